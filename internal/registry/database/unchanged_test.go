package database

import (
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// TestChangesThatAreNone: an update that leaves a key as it is has no revision, also where the audit
// would have another one; a secret that takes the place of one of the same age is a change.
func TestChangesThatAreNone(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		k, _ := key("alice")
		k, err := d.Create(t.Context(), k, registry.Write{Act: registry.Act{Actor: "root"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			change   func(*registry.Key)
			revision int64
		}{
			{func(*registry.Key) {}, 1},
			{func(k *registry.Key) { k.Secrets[0].Hash = registry.HashOf("another") }, 2},
			{func(k *registry.Key) { k.Secrets[0].Hash = registry.HashOf("another") }, 2},
			{func(k *registry.Key) { k.Name = "x" }, 3},
		} {
			got, err := d.Update(t.Context(), k.ID, registry.Write{Act: registry.Act{Actor: "root"}}, "key.test",
				func(k *registry.Key, _ time.Time) error { step.change(k); return nil })
			last, failed := d.Revision(t.Context())
			if err != nil || failed != nil || got.Revision != step.revision || last.Number != step.revision {
				t.Errorf("the key is of revision %d, and the last one is %d, want %d: %v %v", got.Revision, last.Number, step.revision, err, failed)
			}
		}
	})
}
