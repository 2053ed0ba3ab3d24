// A provider of single sign-on on loopback: PORT REDIRECT ACCOUNTS. ACCOUNTS is a file of JSON, read at each login:
// {"ada": {"preferred_username": "ada", "groups": ["operators"]}}; whoever is in it logs in with any password.
import { readFileSync } from 'node:fs';
import { Provider } from 'oidc-provider';

const [port, redirect, accounts] = process.argv.slice(2);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'lading', client_secret: 'kept/quiet: 100%', redirect_uris: [redirect],
    post_logout_redirect_uris: [new URL('/login', redirect).href] }],
  pkce: { required: () => true },
  scopes: ['openid', 'profile', 'groups'],
  claims: { profile: ['preferred_username', 'name'], groups: ['groups'] },
  cookies: { keys: ['only for tests'] },
  async findAccount(ctx, id) {
    const known = JSON.parse(readFileSync(accounts, 'utf8'))[id];
    return known && { accountId: id, claims: async () => ({ sub: id, ...known }) };
  },
});

provider.listen(Number(port), '127.0.0.1');
