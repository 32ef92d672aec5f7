-- Gateways that know version 1 of the schema can work with this one.
-- expenses has what keys have spent, as gateways report it once a minute. It is of no revision, and is kept for 400 days.
CREATE TABLE expenses (
  day BIGINT NOT NULL, -- since 1970, of UTC
  key_id TEXT NOT NULL,
  model TEXT NOT NULL, -- its public name
  requests BIGINT NOT NULL,
  input_tokens BIGINT NOT NULL,
  output_tokens BIGINT NOT NULL,
  PRIMARY KEY (day, key_id, model)
);
CREATE INDEX expenses_key ON expenses (key_id, day);

-- expense_reports has the last report of each gateway, so that one that is sent again counts once.
CREATE TABLE expense_reports (
  replica TEXT PRIMARY KEY,
  number BIGINT NOT NULL,
  seen_at BIGINT NOT NULL -- by the database's clock
);
