package app

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// TestBoundMemory: nine tenths of what the container has are Go's, unless somebody
// has said otherwise.
func TestBoundMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	failing := func() (uint64, error) { return 0, memlimit.ErrNoCgroup }
	unlimited := func() (uint64, error) { return 0, memlimit.ErrNoLimit }
	for name, tt := range map[string]struct {
		variable  string
		container memlimit.Provider
		want      memoryLimit
		set       int64 // the runtime's
	}{
		"a container":        {"", memlimit.Limit(1000 << 20), memoryLimit{900 << 20, "cgroup"}, 900 << 20},
		"the variable":       {"200MiB", memlimit.Limit(1000 << 20), memoryLimit{200 << 20, "GOMEMLIMIT"}, 200 << 20},
		"no limit":           {"", unlimited, memoryLimit{}, math.MaxInt64},
		"no limit of cgroup": {"", memlimit.Limit(1<<63 - 4096), memoryLimit{}, 0},
		"no container":       {"", failing, memoryLimit{}, 200 << 20},
	} {
		t.Setenv("GOMEMLIMIT", tt.variable)
		debug.SetMemoryLimit(200 << 20) // as the runtime does with the variable
		if tt.variable == "" {
			unset(t, "GOMEMLIMIT")
		}
		if got := boundMemory(tt.container); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
		if got := debug.SetMemoryLimit(-1); tt.set != 0 && got != tt.set {
			t.Errorf("%s: the runtime's limit is %d, want %d", name, got, tt.set)
		}
	}
}

// unset takes a variable away that t.Setenv brings back.
func unset(t *testing.T, name string) {
	t.Helper()
	if err := os.Unsetenv(name); err != nil {
		t.Fatal(err)
	}
}

func TestResourcesAreLogged(t *testing.T) {
	for want, m := range map[string]memoryLimit{
		"memory_limit=none": {}, "memory_limit=900 memory_limit_from=cgroup": {900, "cgroup"},
	} {
		var b strings.Builder
		logResources(telemetry.NewLogger(&b, telemetry.LogOptions{Text: true}), m)
		if got := b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, want) ||
			!strings.Contains(got, "gomaxprocs="+strconv.Itoa(runtime.GOMAXPROCS(0))) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
