package catalog

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestModelGoesWithItsLastHolder(t *testing.T) {
	gone := 0
	m := &Model{Name: "a", Gone: func() { gone++ }}
	c := New([]*Model{m, {Name: "b"}})
	if !m.Hold() {
		t.Fatal("a model that is served cannot be held")
	}
	c.Release()
	if gone != 0 || !m.Hold() {
		t.Errorf("with a running request, the model has gone %d times", gone)
	}
	m.Release()
	m.Release()
	if gone != 1 || m.Hold() {
		t.Errorf("with nobody left, the model has gone %d times", gone)
	}
}

// TestHoldRacesWithRelease: whoever could hold the model has it whole.
func TestHoldRacesWithRelease(t *testing.T) {
	for range 500 {
		var gone atomic.Bool
		m := &Model{Name: "a", Gone: func() { gone.Store(true) }}
		c := New([]*Model{m})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for m.Hold() {
					if gone.Load() {
						t.Error("a model has gone that is held")
					}
					m.Release()
				}
			})
		}
		c.Release()
		wg.Wait()
		if !gone.Load() {
			t.Fatal("the model has not gone")
		}
	}
}
