package main

import (
	"os"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/tools/dashboards/board"
	"github.com/token-rate-limiter/token-rate-limiter/tools/dashboards/picture"
)

// TestPicturesShowTheDashboards: the documents show each dashboard as it is now, in few bytes.
func TestPicturesShowTheDashboards(t *testing.T) {
	for _, b := range board.All() {
		text, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		drawn, err := os.ReadFile("../../docs/monitoring/" + pictureOf(b))
		if err != nil {
			t.Error(err)
			continue
		}
		if !picture.Shows(drawn, text) {
			t.Errorf("%s is of an older dashboard: run make pictures", pictureOf(b))
		}
		if len(drawn) > 200_000 {
			t.Errorf("%s has %d bytes", pictureOf(b), len(drawn))
		}
	}
}
