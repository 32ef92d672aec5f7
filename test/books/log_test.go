package books

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// charge is the gateway's log line of a request: what it has charged.
type charge struct {
	Msg       string `json:"msg"`
	ID        string `json:"id"`
	User      string `json:"user"`
	Status    int    `json:"status"`
	Input     int64  `json:"input"`
	Output    int64  `json:"output"`
	Estimated bool   `json:"estimated"`
	Error     string `json:"error"`
}

func (c charge) String() string {
	s := fmt.Sprintf("%d+%d", c.Input, c.Output)
	if c.Estimated {
		s += " estimated"
	}
	return fmt.Sprintf("%s (status %d, %q)", s, c.Status, c.Error)
}

// chargesOf returns the charges that a gateway has logged, by request id. It
// fails where a request has two.
func chargesOf(log *apptest.Log) (map[string]charge, error) {
	charges := map[string]charge{}
	lines := bufio.NewScanner(strings.NewReader(log.String()))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c charge
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, err
		}
		if c.Msg != "request" {
			continue
		}
		if _, twice := charges[c.ID]; twice {
			return nil, fmt.Errorf("%s has two log lines", c.ID)
		}
		charges[c.ID] = c
	}
	return charges, lines.Err()
}
