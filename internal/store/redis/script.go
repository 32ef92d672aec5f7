package redis

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// The scripts' sources. The first two are what the others share.
var (
	//go:embed account.lua
	accountLua string
	//go:embed replica.lua
	replicaLua string
	//go:embed reserve.lua
	reserveLua string
	//go:embed topup.lua
	topUpLua string
	//go:embed settle.lua
	settleLua string
	//go:embed view.lua
	viewLua string
	//go:embed heartbeat.lua
	heartbeatLua string
)

// Where a script's time comes from: the server, or (in tests) a last argument.
const (
	serverClock   = `local TIME = redis.call('TIME') local now = TIME[1] * 1000 + math.floor(TIME[2] / 1000)`
	argumentClock = `local now = tonumber(table.remove(ARGV))`
)

// script is one operation that runs inside Redis.
type script struct {
	operation string
	lua       *rueidis.Lua
}

// scripts are all operations, with time from one clock.
type scripts struct {
	reserve, topUp, settle, view, heartbeat *script
}

func newScripts(clock string) *scripts {
	compile := func(operation, body string) *script {
		source := strings.Join([]string{prelude(clock), accountLua, replicaLua, body}, "\n")
		return &script{operation: operation, lua: rueidis.NewLuaScript(source)}
	}
	return &scripts{
		reserve:   compile("reserve", reserveLua),
		topUp:     compile("topup", topUpLua),
		settle:    compile("settle", settleLua),
		view:      compile("view", viewLua),
		heartbeat: compile("heartbeat", heartbeatLua),
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
const (
	// expiryMargin is added to what is needed, so that an expiry need not be
	// renewed more often than once in this time.
	expiryMargin = time.Minute
	// enrolledTTL outlives every replica that is not forgotten yet.
	enrolledTTL = 2 * forgetAfter
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
		"local replica = ARGV[2]",
		"local WIDTH = { " + strings.Join(widths, ", ") + " }",
		"local SLOTS = { " + strings.Join(slots, ", ") + " }",
	}
	for _, c := range []struct {
		name string
		d    time.Duration
	}{
		{"TOLERANCE", clockTolerance},
		{"HELD", limit.Day.Length() + limit.Day.SlotWidth()},
		{"MARGIN", expiryMargin},
		{"LEASE", leaseTTL},
		{"FORGET", forgetAfter},
		{"ENROLLED", enrolledTTL},
	} {
		lines = append(lines, "local "+c.name+" = "+strconv.FormatInt(c.d.Milliseconds(), 10))
	}
	return strings.Join(lines, "\n")
}
