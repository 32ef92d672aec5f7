-- Gateways that know version 1 of the schema can work with this one.
-- meta has one row.
CREATE TABLE meta (
  revision BIGINT NOT NULL -- of the last change; its row is locked by who changes something
);
INSERT INTO meta (revision) VALUES (0);

-- api_keys has the keys, also those that have ended.
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY, -- a ULID
  name TEXT NOT NULL, -- for people
  owner TEXT NOT NULL, -- the user whose accounts are charged
  roles TEXT NOT NULL, -- a JSON array
  act_as BOOLEAN NOT NULL, -- it may name another user
  models TEXT NOT NULL, -- a JSON array of patterns; empty: all
  endpoints TEXT NOT NULL, -- a JSON array of names; empty: all
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT NOT NULL
);
CREATE INDEX api_keys_owner ON api_keys (owner, id);

-- key_secrets has what secrets are known by. Of those of a key that have ended the last 16 are kept.
CREATE TABLE key_secrets (
  hash TEXT PRIMARY KEY, -- SHA-256 in hexadecimal digits
  key_id TEXT NOT NULL REFERENCES api_keys (id),
  created_at BIGINT NOT NULL, -- the order of a key's secrets
  expires_at BIGINT NOT NULL -- before its key, where another has taken its place
);
CREATE INDEX key_secrets_key ON key_secrets (key_id);

-- changes has the last change of each object, so that it is never longer than what there is.
CREATE TABLE changes (
  kind TEXT NOT NULL, -- "key"
  object TEXT NOT NULL, -- its id
  revision BIGINT NOT NULL,
  PRIMARY KEY (kind, object)
);
CREATE INDEX changes_revision ON changes (revision);

-- audit has a record of each revision, without gaps.
CREATE TABLE audit (
  revision BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL, -- the user who has made the change
  credential TEXT NOT NULL, -- the name of what he has shown for that
  address TEXT NOT NULL, -- where the request came from; empty: the gateway's machine
  request_id TEXT NOT NULL,
  reason TEXT NOT NULL, -- as told; empty for none
  action TEXT NOT NULL, -- such as key.create
  object TEXT NOT NULL, -- the id of what was changed
  before TEXT NOT NULL, -- JSON; empty where it was not there
  after TEXT NOT NULL,
  sum TEXT NOT NULL -- SHA-256 over the record and the sum of the one before
);
CREATE INDEX audit_object ON audit (object, revision);
CREATE INDEX audit_actor ON audit (actor, revision);
