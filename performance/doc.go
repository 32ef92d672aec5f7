// Package performance has what puts load on a gateway: plans for k6 and
// JMeter, which scripts/load-test.sh runs, and in bench the command that
// measures what the gateway costs. Its tests hold the plans to bounds in count
// and time, and the script to telling the truth and leaving nothing behind.
// k6 itself takes minutes to build, so the tests stand in for it, and `make
// load` runs it.
package performance
