package main

import "time"

// plan says how much is measured.
type plan struct {
	Rounds      int           // of requests
	Window      time.Duration // of a contender's turn
	Warmup      time.Duration // before it, not counted
	Connections int
	Users       int // in whose names requests are sent

	StreamRounds int
	StreamWindow time.Duration
	Streams      int

	OpenStreams     int // while memory is measured
	Accounts        int
	FurtherAccounts int
	Watch           time.Duration // for the peak of memory

	DirectStreams int           // of a soak, beside OpenStreams
	Soak          time.Duration // for which they are open
	Settle        time.Duration // for which is looked at what is left; more than idle connections last

	Profile time.Duration // of the CPU, in whole seconds

	BenchTime  time.Duration // of a store's benchmark
	BenchCount int
}

// fullPlan takes about three minutes, and its soak as long again.
var fullPlan = plan{
	Rounds: 7, Window: 2 * time.Second, Warmup: 300 * time.Millisecond, Connections: 32, Users: 100,
	StreamRounds: 5, StreamWindow: 3 * time.Second, Streams: 200,
	OpenStreams: 1000, Accounts: 10_000, FurtherAccounts: 100_000, Watch: 3 * time.Second,
	DirectStreams: 200, Soak: 2 * time.Minute, Settle: 10 * time.Second,
	Profile:   20 * time.Second,
	BenchTime: 20 * time.Millisecond, BenchCount: 400,
}

// quickPlan takes about half a minute. Its streams and accounts are the same,
// its figures less steady.
var quickPlan = plan{
	Rounds: 3, Window: 500 * time.Millisecond, Warmup: 150 * time.Millisecond, Connections: 32, Users: 100,
	StreamRounds: 2, StreamWindow: time.Second, Streams: 200,
	OpenStreams: 1000, Accounts: 10_000, FurtherAccounts: 30_000, Watch: time.Second,
	DirectStreams: 200, Soak: 10 * time.Second, Settle: 6 * time.Second,
	Profile:   20 * time.Second,
	BenchTime: 100 * time.Millisecond, BenchCount: 10,
}
