package redis

import (
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// lua has the scripts, and the parts that they share.
//
//go:embed *.lua
var lua embed.FS

// Where a script's time comes from: the server, or (in tests) a last argument.
const (
	serverClock   = `local TIME = redis.call('TIME') local now = TIME[1] * 1000 + math.floor(TIME[2] / 1000)`
	argumentClock = `local now = tonumber(table.remove(ARGV))`
)

// script is one operation that runs inside Redis.
type script struct {
	operation string
	lua       *rueidis.Lua
	sha       string // as EVALSHA wants it, of the text
}

// scripts are all operations, with time from one clock.
type scripts struct {
	reserve, topUp, settle, view, heartbeat, leave *script
}

// newScripts puts the scripts together from the prelude, the parts that each
// needs, and what it does. It panics if a file is missing.
func newScripts(clock string) *scripts {
	start := prelude(clock)
	compile := func(operation string, parts ...string) *script {
		source := []string{start}
		for _, part := range append(parts, operation) {
			text, err := lua.ReadFile(part + ".lua")
			if err != nil {
				panic(err)
			}
			source = append(source, string(text))
		}
		text := strings.Join(source, "\n")
		sum := sha1.Sum([]byte(text))
		return &script{operation: operation, lua: rueidis.NewLuaScript(text), sha: hex.EncodeToString(sum[:])}
	}
	return &scripts{
		reserve:   compile("reserve", "account", "window", "charge", "replica", "record", "grant"),
		topUp:     compile("topup", "account", "charge", "replica", "record", "merge", "grant"),
		settle:    compile("settle", "account", "charge", "replica", "record", "bulk"),
		view:      compile("view", "account", "window", "replica"),
		heartbeat: compile("heartbeat", "account", "replica", "bulk"),
		leave:     compile("leave", "account", "replica"),
	}
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
)

// clockTolerance is how far the time may step back before accounts continue
// from their own, as in limit.Account.
const clockTolerance = time.Second

// prelude defines what every script expects: the time, the caller, the shapes
// of windows and the times that Go knows.
func prelude(clock string) string {
	var widths, slots []string
	for i, letter := range windowLetters {
		w := limit.Window(i)
		widths = append(widths, fmt.Sprintf("%c = %d", letter, w.SlotWidth().Milliseconds()))
		slots = append(slots, fmt.Sprintf("%c = %d", letter, w.Slots()+1))
	}
	lines := []string{
		clock,
		"local me = ARGV[2]",
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
	} {
		lines = append(lines, "local "+c.name+" = "+strconv.FormatInt(c.d.Milliseconds(), 10))
	}
	return strings.Join(lines, "\n")
}
