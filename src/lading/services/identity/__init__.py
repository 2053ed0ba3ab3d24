"""Who somebody is: users, roles, tokens, sessions, single sign-on."""
