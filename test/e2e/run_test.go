package e2e

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The lines of the welcome that are to be tried.
var (
	printedChat  = regexp.MustCompile(`(?s)curl -iN http://(\S+?)/v1/chat/completions .*?'\n`)
	printedUsage = regexp.MustCompile(`curl -s http://\S+/token-usage/\S+`)
)

// TestShippedConfigurationServesUntilUsedUpAndAgain follows the welcome of the
// development profile word by word.
func TestShippedConfigurationServesUntilUsedUpAndAgain(t *testing.T) {
	t.Parallel()
	p := start(t, "serve", "--config", shipped, "--profile", "dev", "--address", "127.0.0.1:0")
	welcome := p.stdout.await(t, "End with Ctrl-C.")
	found := printedChat.FindStringSubmatch(welcome)
	if found == nil {
		t.Fatalf("the welcome prints no curl line:\n%s", welcome)
	}
	line := found[0]

	first := curl(t, line)
	checkServed(t, first)
	if n := strings.Count(first.body, "\ndata: "); n < 5 {
		t.Errorf("the answer has %d events: %s", n, first.body)
	}
	if told := shell(t, printedUsage.FindString(welcome)); !strings.Contains(told, `"limit":2000`) {
		t.Errorf("the printed line about the usage tells %s", told)
	}

	denied := useUp(t, line)
	wait, err := strconv.Atoi(denied.header.Get("Retry-After"))
	if err != nil || wait < 1 || wait > 70 {
		t.Fatalf("Retry-After is %q", denied.header.Get("Retry-After"))
	}
	if f := denied.failure(); f.Error.Type != "tokens" || f.Error.Code != "rate_limit_exceeded" ||
		!strings.Contains(f.Error.Message, "try again in "+strconv.Itoa(wait)+" s") {
		t.Errorf("the answer is %s", denied.body)
	}
	t.Logf("used up; waiting %d s as told", wait)
	time.Sleep(time.Duration(wait) * time.Second) // the promise is about real time
	checkServed(t, curl(t, line))

	p.signal(syscall.SIGINT)
	if code := p.wait(t); code != 0 {
		t.Errorf("after Ctrl-C the exit code is %d", code)
	}
}

// useUp sends the printed line until it is answered with 429, and returns that.
func useUp(t *testing.T, line string) answer {
	t.Helper()
	for range 50 {
		a := curl(t, line)
		if a.status == http.StatusTooManyRequests {
			return a
		}
		checkServed(t, a)
	}
	t.Fatal("the limit is never reached")
	return answer{}
}

// checkServed checks a whole stream with the fields that tell of the limits.
func checkServed(t *testing.T, a answer) {
	t.Helper()
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream") ||
		!strings.HasSuffix(strings.TrimSpace(a.body), "data: [DONE]") {
		t.Fatalf("the answer is %d %v\n%s", a.status, a.header, a.body)
	}
	for field, want := range map[string]string{
		"X-Ratelimit-Limit-Tokens":     `^2000$`,
		"X-Ratelimit-Remaining-Tokens": `^\d+$`,
		"X-Ratelimit-Reset-Tokens":     `^(\d+m)?[\d.]+s$`,
		"Ratelimit-Policy":             `"user-tokens-minute";q=2000;w=60`,
		"Ratelimit":                    `"user-tokens-minute";r=\d+;t=\d+`,
		"X-Request-Id":                 `.`,
	} {
		if got := a.header.Get(field); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s is %q", field, got)
		}
	}
}

// shell runs a line as a user would paste it, and returns what it prints.
func shell(t *testing.T, line string) string {
	t.Helper()
	output, err := exec.Command("sh", "-c", line).Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return string(output)
}

// curl runs a line of curl that prints the head of the answer too.
func curl(t *testing.T, line string) answer {
	t.Helper()
	r := textproto.NewReader(bufio.NewReader(bytes.NewBufferString(shell(t, line))))
	first, err := r.ReadLine()
	if err != nil {
		t.Fatal(err)
	}
	header, err := r.ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.R)
	_, status, _ := strings.Cut(first, " ")
	code, err := strconv.Atoi(strings.Fields(status)[0])
	if err != nil {
		t.Fatalf("the answer begins with %q", first)
	}
	return answer{status: code, header: http.Header(header), body: "\n" + string(body)}
}
