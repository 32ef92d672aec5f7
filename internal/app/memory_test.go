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

	"github.com/token-rate-limiter/token-rate-limiter/internal/buffer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
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
		"no limit":           {"", unlimited, memoryLimit{}, 200 << 20},
		"no limit of cgroup": {"", memlimit.Limit(1<<63 - 4096), memoryLimit{}, 200 << 20},
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
		if got := debug.SetMemoryLimit(-1); got != tt.set {
			t.Errorf("%s: the runtime's limit is %d, want %d", name, got, tt.set)
		}
	}
}

// TestBufferedBytes: what may be held is what is configured, or a quarter of the memory
// that there is, and no body is let in that it cannot hold twice.
func TestBufferedBytes(t *testing.T) {
	failing := func() (uint64, error) { return 0, memlimit.ErrNoCgroup }
	for name, tt := range map[string]struct {
		configured int64
		limit      memoryLimit
		machine    memlimit.Provider
		want, body int64 // of bodies that may have 10 MiB
	}{
		"configured":               {64 << 20, memoryLimit{100 << 20, "cgroup"}, failing, 64 << 20, 10 << 20},
		"a limit":                  {0, memoryLimit{400 << 20, "cgroup"}, failing, 100 << 20, 10 << 20},
		"no limit":                 {0, memoryLimit{}, memlimit.Limit(8 << 30), 2 << 30, 10 << 20},
		"nobody knows":             {0, memoryLimit{}, failing, 1 << 30, 10 << 20},
		"the least for the body":   {30 << 20, memoryLimit{}, failing, 30 << 20, 10 << 20},
		"too little for such ones": {0, memoryLimit{64 << 20, "GOMEMLIMIT"}, failing, 16 << 20, (12<<20 - 16<<10) * 8 / 17},
	} {
		var log strings.Builder
		got := bufferedBytes(tt.configured, tt.limit, tt.machine)
		body := largestBody(10<<20, buffer.NewBudget(got), telemetry.NewLogger(&log, telemetry.LogOptions{}))
		if got != tt.want || body != tt.body || (log.Len() > 0) != (body < 10<<20) {
			t.Errorf("%s: %d bytes and bodies of %d, want %d and %d; the log has %q", name, got, body, tt.want, tt.body, log.String())
		}
	}
}

// TestKnownMemory: what is known before anything is set is what will be set.
func TestKnownMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for _, variable := range []string{"", "200MiB", "off"} {
		t.Setenv("GOMEMLIMIT", variable)
		debug.SetMemoryLimit(200 << 20)
		switch variable {
		case "":
			unset(t, "GOMEMLIMIT")
		case "off":
			debug.SetMemoryLimit(math.MaxInt64)
		}
		for _, container := range []memlimit.Provider{
			memlimit.Limit(1000 << 20), memlimit.Limit(1<<63 - 4096), func() (uint64, error) { return 0, memlimit.ErrNoLimit },
		} {
			if known, set := knownMemory(container), boundMemory(container); known != set {
				t.Errorf("GOMEMLIMIT=%s: %+v is known, and %+v set", variable, known, set)
			}
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
		logResources(telemetry.NewLogger(&b, telemetry.LogOptions{Text: true}), m, &descriptor.Scarcity{})
		if got := b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, want) ||
			!strings.Contains(got, "gomaxprocs="+strconv.Itoa(runtime.GOMAXPROCS(0))) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
