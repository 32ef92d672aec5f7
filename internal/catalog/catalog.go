package catalog

import (
	"slices"
	"strings"
)

// Catalog is the served models, immutable and safe for concurrent use. The zero value has none.
type Catalog struct {
	models map[string]*Model
	all    []*Model // in the order of their names
}

// New returns a catalog of the given models, whose names differ and which are in
// no other one. It holds them until its Release.
func New(models []*Model) *Catalog {
	c := &Catalog{models: make(map[string]*Model, len(models)), all: slices.Clone(models)}
	for _, m := range models {
		m.holders.Store(1)
		m.text = newPolicyText(m.Policy)
		c.models[m.Name] = m
	}
	slices.SortFunc(c.all, func(a, b *Model) int { return strings.Compare(a.Name, b.Name) })
	return c
}

// Find returns the model that clients call name.
func (c *Catalog) Find(name string) (*Model, bool) {
	m, ok := c.models[name]
	return m, ok
}

// All returns the models in the order of their names. The caller must not change the slice.
func (c *Catalog) All() []*Model { return c.all }
