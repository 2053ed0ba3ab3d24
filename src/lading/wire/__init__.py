"""Conversations: who says what next. Pure: no socket, file, clock or loop; drivers elsewhere move the bytes."""
