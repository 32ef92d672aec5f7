package app

import (
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/token-rate-limiter/token-rate-limiter/internal/buffer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
)

// memoryShare is the part of the container's memory that Go may use. The rest is for what Go does
// not count, such as the buffers of connections in the kernel.
const memoryShare = 0.9

// memoryLimit is what the collector keeps the process below, in bytes, and who says so; 0: none.
type memoryLimit struct {
	bytes int64
	from  string
}

// knownMemory returns the memory limit: a GOMEMLIMIT that is set, or a share of the container's.
func knownMemory(container memlimit.Provider) memoryLimit {
	if os.Getenv("GOMEMLIMIT") != "" {
		bytes := uint64(debug.SetMemoryLimit(-1)) // #nosec G115 -- never below 0
		return limitOf(bytes, "GOMEMLIMIT")
	}
	bytes, err := memlimit.ApplyRatio(container, memoryShare)()
	if err != nil { // no container, or one without a limit
		return memoryLimit{}
	}
	return limitOf(bytes, "cgroup")
}

func limitOf(bytes uint64, from string) memoryLimit {
	if bytes > math.MaxInt64/2 { // what stands for none
		return memoryLimit{}
	}
	return memoryLimit{int64(bytes), from}
}

// boundMemory makes the known limit one of Go's: the collector works harder as it comes near.
func boundMemory(container memlimit.Provider) memoryLimit {
	m := knownMemory(container)
	if m.from == "cgroup" {
		debug.SetMemoryLimit(m.bytes)
	}
	return m
}

const (
	// bufferedShare is the part of the process's memory, a quarter, that bodies and answers may
	// fill: beside them there are accounts, connections, and what the collector has not found yet.
	bufferedShare = 4
	memoryUnknown = 4 << 30 // what the machine is taken to have where it does not tell
)

// bufferedBytes returns how many bytes of bodies and answers may be held at once: what is
// configured, or a quarter of the process's limit, or of the machine's memory.
func bufferedBytes(configured int64, limit memoryLimit, machine memlimit.Provider) int64 {
	if configured > 0 {
		return configured
	}
	if limit.from != "" {
		return limit.bytes / bufferedShare
	}
	bytes, err := machine()
	if err != nil || bytes == 0 || bytes > math.MaxInt64/2 {
		bytes = memoryUnknown
	}
	return int64(bytes) / bufferedShare // #nosec G115 -- at most half of MaxInt64
}

// largestBody returns how large a request body may be: what is configured, or what a
// budget can hold of one, as it comes and as it is sent.
func largestBody(configured int64, b *buffer.Budget, log *slog.Logger) int64 {
	const copies, eighths = 8, 17 // and an eighth for what is allocated beside it
	most := max(0, b.BodyMost()-16<<10) * copies / eighths
	if most >= configured {
		return configured
	}
	log.Warn("there is too little memory for the largest request bodies; "+
		"smaller ones are refused too",
		"max_body_bytes", configured, "refused_above", most, "max_buffered_bytes", b.Most())
	return most
}

// logResources writes what the process may use. Go itself takes the number of
// processors from the container, and follows it.
func logResources(log *slog.Logger, m memoryLimit, s *descriptor.Scarcity) {
	attrs := []any{"gomaxprocs", runtime.GOMAXPROCS(0)}
	if m.from == "" {
		attrs = append(attrs, "memory_limit", "none")
	} else {
		attrs = append(attrs, "memory_limit", m.bytes, "memory_limit_from", m.from)
	}
	if s.Descriptors > 0 {
		attrs = append(attrs, "file_descriptors", s.Descriptors, "connections", s.Connections)
	}
	log.Info("resources", attrs...)
}
