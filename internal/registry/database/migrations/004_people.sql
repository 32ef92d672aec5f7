-- Gateways that know version 1 of the schema can work with this one.
-- They would let in who is disabled, and take keys of a tenant for those of the default one. So the
-- first change that disables somebody or gives a key a tenant makes it 4 in schema_version.
ALTER TABLE api_keys ADD COLUMN tenant TEXT NOT NULL DEFAULT ''; -- of the owner; empty: the default one
CREATE INDEX api_keys_tenant ON api_keys (tenant, owner);

-- people has the tenants, users and custom roles that somebody has written.
CREATE TABLE people (
  id TEXT PRIMARY KEY, -- as the audit has it, such as user:acme/alice
  kind TEXT NOT NULL, -- "tenant", "user" or "role"
  tenant TEXT NOT NULL, -- of a user; empty: the default one
  name TEXT NOT NULL, -- of a tenant empty: the default one
  disabled BOOLEAN NOT NULL, -- of a tenant or user
  permissions TEXT NOT NULL, -- a JSON array, of a role: everywhere
  tenant_permissions TEXT NOT NULL, -- a JSON array, of a role: in the tenant of who has it
  description TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX people_name ON people (kind, tenant, name);
