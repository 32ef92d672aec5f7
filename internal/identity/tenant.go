package identity

// DefaultTenant is what the tenant is called that has no name inside.
const DefaultTenant = "default"

// TenantInside returns the name that a tenant has inside: "" for the default one.
func TenantInside(name string) string {
	if name == DefaultTenant {
		return ""
	}
	return name
}

// TenantOutside returns the name by which people know a tenant: never "".
func TenantOutside(name string) string {
	if name == "" {
		return DefaultTenant
	}
	return name
}
