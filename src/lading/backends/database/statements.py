"""The SQL of the catalogue, as both SQLite and PostgreSQL read it. The tables are in schema.sql and tables.py."""

from __future__ import annotations

FIND_IMAGE = "SELECT reference, media_type, digest, size, moved FROM image WHERE reference = ?"
ALL_IMAGES = "SELECT reference, media_type, digest, size, moved FROM image ORDER BY reference"
IS_ROOT = "SELECT 1 FROM image WHERE digest = ? LIMIT 1"
POINT_IMAGE = """
    INSERT INTO image (reference, media_type, digest, size, moved) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (reference) DO UPDATE SET
        media_type = excluded.media_type, digest = excluded.digest, size = excluded.size, moved = excluded.moved
"""
FORGET_IMAGE = "DELETE FROM image WHERE reference = ?"
NAMES_OF = "SELECT reference FROM image WHERE digest = ?"
FORGET_IMAGE_AS = "DELETE FROM image WHERE reference = ? AND digest = ?"

HOLD_LEASE = """
    INSERT INTO lease (digest, holder, until) VALUES (?, ?, ?)
    ON CONFLICT (digest, holder) DO UPDATE SET
        until = CASE WHEN excluded.until > lease.until THEN excluded.until ELSE lease.until END
"""
HELD_LEASES = "SELECT digest, holder FROM lease WHERE until > ?"
HOLDERS_OF = "SELECT holder FROM lease WHERE digest = ? AND until > ?"
GIVE_LEASES_TO = """
    INSERT INTO lease (digest, holder, until) SELECT digest, ?, until FROM lease WHERE holder = ?
    ON CONFLICT (digest, holder) DO UPDATE SET
        until = CASE WHEN excluded.until > lease.until THEN excluded.until ELSE lease.until END
"""
DROP_LEASE = "DELETE FROM lease WHERE digest = ? AND holder = ?"
DROP_LEASES_OF = "DELETE FROM lease WHERE holder = ?"
DROP_LEASES_OVER = "DELETE FROM lease WHERE until <= ?"

LOCATIONS_OF = """
    SELECT path, seen FROM location WHERE account = ? AND digest = ? AND registry = ? AND seen > ?
"""
LEARN_LOCATION = """
    INSERT INTO location (account, digest, registry, path, seen) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (account, digest, registry, path) DO UPDATE SET
        seen = CASE WHEN excluded.seen > location.seen THEN excluded.seen ELSE location.seen END
"""
DROP_LOCATIONS_BEYOND = """
    DELETE FROM location WHERE account = ? AND digest = ? AND registry = ? AND path NOT IN (
        SELECT path FROM location WHERE account = ? AND digest = ? AND registry = ?
        ORDER BY seen DESC, path LIMIT ?
    )
"""
DROP_LOCATIONS_BEFORE = "DELETE FROM location WHERE seen <= ?"

PROFILE_OF = """
    SELECT scheme, realm, service, chunk_limit, patches, mounts, mounts_itself, resumes
    FROM profile WHERE host = ? AND learned > ?
"""
LEARN_PROFILE = """
    INSERT INTO profile (
        host, learned, scheme, realm, service, chunk_limit, patches, mounts, mounts_itself, resumes
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (host) DO UPDATE SET
        learned = excluded.learned, scheme = excluded.scheme, realm = excluded.realm, service = excluded.service,
        chunk_limit = excluded.chunk_limit, patches = excluded.patches, mounts = excluded.mounts,
        mounts_itself = excluded.mounts_itself, resumes = excluded.resumes
"""

UPLOAD_OF = "SELECT url FROM upload WHERE account = ? AND registry = ? AND path = ? AND digest = ? AND begun > ?"
UPLOAD_BEGUN = """
    INSERT INTO upload (account, registry, path, digest, url, begun) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (account, registry, path, digest) DO UPDATE SET url = excluded.url, begun = excluded.begun
"""
UPLOAD_ENDED = "DELETE FROM upload WHERE account = ? AND registry = ? AND path = ? AND digest = ?"
DROP_UPLOADS_BEFORE = "DELETE FROM upload WHERE begun <= ?"
