-- Gateways that know version 1 of the schema can work with this one.
-- key_use has when keys were last used, as gateways tell once a minute. It is of no revision.
CREATE TABLE key_use (
  key_id TEXT PRIMARY KEY,
  used_at BIGINT NOT NULL
);
