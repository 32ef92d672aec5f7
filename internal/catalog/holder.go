package catalog

// Hold keeps the model, and what it is made of, until Release. It reports false where the model has
// gone: then a newer catalog says what is served. Catalogs and requests hold models, so that no
// request loses its model server to a change of the configuration.
func (m *Model) Hold() bool {
	for {
		n := m.holders.Load()
		if n == 0 {
			return false
		}
		if m.holders.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release ends what Hold began. With the last one the model has gone.
func (m *Model) Release() {
	if m.holders.Add(-1) == 0 && m.Gone != nil {
		m.Gone()
	}
}

// Release says that the catalog serves nothing any more. It is called once.
func (c *Catalog) Release() {
	for _, m := range c.all {
		m.Release()
	}
}
