package performance

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that is to happen at once.
const patience = time.Minute

// standIn takes the place of k6: it sends one request, notes which process it
// is, and does what TASK says.
const standIn = `#!/bin/sh
curl -sS "$BASE_URL/v1/chat/completions" -H 'Content-Type: application/json' \
  -d "{\"model\":\"$MODEL\",\"max_tokens\":3,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"
echo $$ > "$NOTE.new" && mv "$NOTE.new" "$NOTE"
eval "$TASK"
`

// run is a run of the script with the stand-in.
type run struct {
	cmd    *exec.Cmd
	output bytes.Buffer // complete when it has ended
	note   string       // file with the process id of the stand-in
}

// start runs the script with a stand-in that does a task.
func start(t *testing.T, gateway, task string) *run {
	t.Helper()
	directory := t.TempDir()
	k6 := filepath.Join(directory, "k6")
	if err := os.WriteFile(k6, []byte(standIn), 0o700); err != nil {
		t.Fatal(err)
	}
	r := &run{note: filepath.Join(directory, "note")}
	r.cmd = exec.Command("../scripts/load-test.sh", "k6-load")
	r.cmd.Env = append(os.Environ(), "BASE_URL=", "DURATION=5s", "MODEL=some-model", "RESULTS="+directory,
		"GATEWAY="+gateway, "K6="+k6, "NOTE="+r.note, "TASK="+task)
	r.cmd.Stdout, r.cmd.Stderr = &r.output, &r.output
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// interrupt waits for the stand-in and sends the script a signal.
func (r *run) interrupt(t *testing.T, signal syscall.Signal) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(r.note); err == nil {
			break
		}
		if time.Now().After(deadline) {
			_ = r.cmd.Process.Signal(syscall.SIGTERM)
			_ = r.cmd.Wait()
			t.Fatalf("the stand-in has not begun within %v:\n%s", patience, r.output.String())
		}
	}
	if err := r.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// wait waits for the script's end and returns its exit code.
func (r *run) wait(t *testing.T) int {
	t.Helper()
	ended := time.AfterFunc(patience, func() { _ = r.cmd.Process.Signal(syscall.SIGTERM) })
	defer ended.Stop()
	_ = r.cmd.Wait() // how it ended is told by the code
	return r.cmd.ProcessState.ExitCode()
}

var against = regexp.MustCompile(`against http://(127\.0\.0\.1:\d+) for`)

// checkGone checks that neither the gateway nor the stand-in is left.
func (r *run) checkGone(t *testing.T) {
	t.Helper()
	found := against.FindStringSubmatch(r.output.String())
	if found == nil {
		t.Fatalf("it does not tell where the gateway is:\n%s", r.output.String())
	}
	if conn, err := net.Dial("tcp", found[1]); err == nil {
		conn.Close()
		t.Error("the gateway is still there")
	}
	text, err := os.ReadFile(r.note)
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(id, 0); err == nil {
		t.Error("the tool is still there")
	}
}

// TestScript: the code of the tool is the code of the script, an interrupt ends
// it, and whatever happens it leaves nothing running.
func TestScript(t *testing.T) {
	gateway := filepath.Join(t.TempDir(), "token-rate-limiter")
	if out, err := exec.Command("go", "build", "-o", gateway, "../cmd/token-rate-limiter").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, c := range []struct {
		name, task string
		signal     syscall.Signal // 0: none
		code       int
	}{
		{"thresholds that hold", "exit 0", 0, 0},
		{"a threshold that is crossed", "exit 99", 0, 99},
		{"an interrupt", "sleep 600", syscall.SIGINT, 130},
		{"an end", "sleep 600", syscall.SIGTERM, 143},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, gateway, c.task)
			if c.signal != 0 {
				r.interrupt(t, c.signal)
			}
			if code := r.wait(t); code != c.code {
				t.Errorf("the code is %d, want %d:\n%s", code, c.code, r.output.String())
			}
			r.checkGone(t)
			// What the stand-in got is shown as the tool's summary.
			if c.signal == 0 && !strings.Contains(r.output.String(), `"completion_tokens":3`) {
				t.Errorf("the gateway has not answered:\n%s", r.output.String())
			}
		})
	}
}

// jmeterStandIn takes the place of JMeter: it notes a sample that was served, where the
// plan is there and what it includes is beside it.
const jmeterStandIn = `#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    -t) plan=$2 ;;
    -l) samples=$2 ;;
  esac
  shift
done
[ -e "$plan" ] && [ -e chat.jmx ] || { echo "there is no plan $plan"; exit 1; }
printf 'elapsed,responseCode,success\n3,200,true\n' > "$samples"
`

// TestScriptFindsJMeterPlans runs each plan with the stand-in. Their names are those
// that users of other tools have in their scripts.
func TestScriptFindsJMeterPlans(t *testing.T) {
	jmeter := filepath.Join(t.TempDir(), "jmeter")
	if err := os.WriteFile(jmeter, []byte(jmeterStandIn), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, plan := range []string{"load", "stress", "spike"} {
		t.Run(plan, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat("jmeter/" + plan + "-test.jmx"); err != nil {
				t.Error(err)
			}
			cmd := exec.CommandContext(t.Context(), "../scripts/load-test.sh", "jmeter-"+plan)
			cmd.Env = append(os.Environ(), "BASE_URL=http://127.0.0.1:1", "DURATION=5s", "RESULTS="+t.TempDir(), "JMETER="+jmeter)
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "served 1, denied 0, failed 0") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestScriptRefuses tells what is wrong before anything is started.
func TestScriptRefuses(t *testing.T) {
	for _, c := range []struct{ plan, setting, want string }{
		{"k6-soak", "", "there is no plan 'k6-soak'"},
		{"k6-load", "DURATION=soon", "DURATION is 'soon'"},
		{"jmeter-load", "USERS=0", "USERS is '0'"},
		{"k6-stress", "RATE=1e9", "RATE is '1e9'"},
	} {
		cmd := exec.Command("../scripts/load-test.sh", c.plan)
		cmd.Env = append(os.Environ(), c.setting, "RESULTS="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), c.want) {
			t.Errorf("%s %s: %v\n%s", c.plan, c.setting, err, out)
		}
	}
}
