package app

import (
	"log/slog"
	"math"
	"os"
	"runtime"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is the part of the container's memory that Go may use. The rest is
// for what Go does not count, such as the buffers of connections in the kernel.
const memoryShare = 0.9

// memoryLimit is what the collector keeps the process below, in bytes, and who
// says so; no bytes are no limit.
type memoryLimit struct {
	bytes int64
	from  string
}

// boundMemory makes the memory limit of the container one of Go's: the collector
// then works harder before the kernel would end the process, where tuneCollector
// alone would let garbage gather that there is no room for. A GOMEMLIMIT that is
// set is left alone. container is asked for the limit.
func boundMemory(container memlimit.Provider) memoryLimit {
	bytes, err := memlimit.Set(memlimit.WithProvider(container), memlimit.WithRatio(memoryShare))
	switch {
	case err != nil || bytes > math.MaxInt64/2: // no container, or one without a limit; or "off"
		return memoryLimit{}
	case os.Getenv("GOMEMLIMIT") != "":
		return memoryLimit{bytes, "GOMEMLIMIT"}
	}
	return memoryLimit{bytes, "cgroup"}
}

// logResources writes what the process may use. Go itself takes the number of
// processors from the container, and follows it.
func logResources(log *slog.Logger, m memoryLimit) {
	attrs := []any{"gomaxprocs", runtime.GOMAXPROCS(0)}
	if m.from == "" {
		attrs = append(attrs, "memory_limit", "none")
	} else {
		attrs = append(attrs, "memory_limit", m.bytes, "memory_limit_from", m.from)
	}
	log.Info("resources", attrs...)
}
