-- Gateways that know version 1 of the schema can work with this one.
-- idempotency has the requests of a day that are not to be carried out twice.
CREATE TABLE idempotency (
  id TEXT PRIMARY KEY, -- SHA-256 over who sent it, what for, and the key that he has given it
  body TEXT NOT NULL, -- SHA-256
  object TEXT NOT NULL, -- the id of what it has changed
  kept_at BIGINT NOT NULL
);
CREATE INDEX idempotency_kept ON idempotency (kept_at);

-- replicas has what each gateway has applied. It is of no revision.
CREATE TABLE replicas (
  id TEXT PRIMARY KEY,
  applied BIGINT NOT NULL, -- the number of a revision
  seen_at BIGINT NOT NULL -- by the database's clock
);
