package redis

import (
	"crypto/sha1" // #nosec G505 -- for Redis' names of scripts
	"embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// lua has the scripts, and the parts that they share.
//
//go:embed *.lua
var lua embed.FS

// Where a script's time comes from: the server, or (in tests) a last argument.
const (
	serverClock = `local TIME = redis.call('TIME') ` +
		`local now = TIME[1] * 1000 + math.floor(TIME[2] / 1000)`
	argumentClock = `local now = tonumber(table.remove(ARGV))`
)

// script is one operation that runs inside Redis.
type script struct {
	operation string
	source    string
	hash      string // by which the server knows the source, once it has seen it

	teaching sync.Mutex   // held by who sends the source because the server does not know it
	taught   atomic.Int64 // how often that was done
}

// decides reports whether the script decides whether to charge.
func (sc *script) decides() bool {
	return sc.operation == operationReserve || sc.operation == operationTopUp
}

// Operations that decide.
const (
	operationReserve = "reserve"
	operationTopUp   = "topup"
)

func newScript(operation, source string) *script {
	sum := sha1.Sum([]byte(source)) // #nosec G401 -- what Redis itself knows scripts by; no secret
	return &script{operation: operation, source: source, hash: hex.EncodeToString(sum[:])}
}

// scripts are all operations, with time from one clock.
type scripts struct {
	reserve, topUp, settle, view, heartbeat, leave, slots, reset, free *script

	try      *script  // has no part of the others, and needs no clock
	commands []string // that the others use
}

// newScripts puts the scripts together from the prelude, the parts that each
// needs, and what it does. It panics if a file is missing.
func newScripts(clock string) *scripts {
	start := prelude(clock)
	var sources []string
	compile := func(operation, parts string) *script {
		source := start
		for _, name := range append(strings.Fields(parts), operation) {
			source += "\n" + part(name)
		}
		sources = append(sources, source)
		return newScript(operation, source)
	}
	all := &scripts{
		reserve:   compile(operationReserve, "account window charge replica record grant"),
		topUp:     compile(operationTopUp, "account charge replica record merge grant"),
		settle:    compile("settle", "account charge replica record bulk"),
		view:      compile("view", "account window replica"),
		heartbeat: compile("heartbeat", "account replica bulk"),
		leave:     compile("leave", "account replica"),
		reset:     compile("reset", "account window charge replica"),
		free:      compile("free", "account replica"),
		slots:     compile("slots", "account replica bulk"),
	}
	all.commands = commandsOf(sources...)
	all.try = newScript("try", part("try"))
	if clock == argumentClock {
		all.try = newScript("try", clock+"\n"+part("try"))
	}
	return all
}

func part(name string) string {
	text, err := lua.ReadFile(name + ".lua")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Letters of meters and windows in the names of rings, by their number.
const (
	meterLetters  = "tior"
	windowLetters = "mhd"
)

// ringName returns the two letters that name the ring of a meter and window.
func ringName(m limit.Meter, w limit.Window) string {
	return string([]byte{meterLetters[m], windowLetters[w]})
}

// How long keys live, in the time of the server.
var (
	// expiryMargin is added to what is needed, so that an expiry need not be
	// renewed more often than once in this time.
	expiryMargin = time.Minute
	// heldTTL is how long an account lives that running requests hold something of.
	heldTTL = limit.Day.Length() + limit.Day.SlotWidth()
	// enrolledTTL outlives every replica that is not forgotten yet. It is shorter than
	// heldTTL: were the clock to step far ahead, what replicas hold would be void and
	// written again, and not be missing in accounts only.
	enrolledTTL = limit.Day.Length()
	// listedTTL is how long a user is listed at the least, so that one whose account has a
	// window of a minute is not forgotten while a request runs.
	listedTTL = limit.Hour.Length() + limit.Hour.SlotWidth()
	// tidyEvery is how often it is looked for users of whom nothing counts any more.
	tidyEvery = 10 * time.Minute
)

// clockTolerance is how far the time may step back before accounts continue
// from their own, as in limit.Account.
const clockTolerance = time.Second

// prelude defines what every script expects: the time, who has sent it, the shapes
// of windows and the times that Go knows.
func prelude(clock string) string {
	var widths, slots []string
	for i, letter := range windowLetters {
		w := limit.Window(i) // #nosec G115 -- an index of windows
		widths = append(widths, fmt.Sprintf("%c = %d", letter, w.SlotWidth().Milliseconds()))
		slots = append(slots, fmt.Sprintf("%c = %d", letter, w.Slots()+1))
	}
	lines := []string{
		clock,
		"local me, seen, seenIn = ARGV[2]:match('^(%S+) (%d+) (%d+)$')",
		"local WIDTH = { " + strings.Join(widths, ", ") + " }",
		"local SLOTS = { " + strings.Join(slots, ", ") + " }",
	}
	for _, c := range []struct {
		name string
		d    time.Duration
	}{
		{"TOLERANCE", clockTolerance},
		{"HELD", heldTTL},
		{"MARGIN", expiryMargin},
		{"LEASE", leaseTTL},
		{"BEAT", heartbeatEvery},
		{"FORGET", forgetAfter},
		{"ENROLLED", enrolledTTL},
		{"LISTED", listedTTL},
		{"TIDY", tidyEvery},
	} {
		lines = append(lines, "local "+c.name+" = "+strconv.FormatInt(c.d.Milliseconds(), 10))
	}
	return strings.Join(lines, "\n")
}
