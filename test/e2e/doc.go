// Package e2e tests the program as its users meet it: the real binary on real
// ports, a real Redis, and a model server whose ledger judges what was charged.
// It sees nothing of the program but its flags, files, output and answers.
//
// What is proven, each in the file of its name:
//
//   - run: with the configuration that ships, the printed curl line is answered
//     with a stream; when the minute's tokens are used up the answer says how
//     long to wait, and after that wait, in real time, it is served again.
//   - replicas: two gateways on one Redis admit as one. No user gets more than
//     the limit, hardly less under demand, no more requests run than may, and
//     what is booked is what the model server generated, to the token.
//   - rolling: gateways of an earlier version are replaced by those of this one,
//     under load, and back: nothing is lost, reset or exceeded. It runs where
//     scripts/rolling-change.sh has built the earlier version.
//   - outage: while Redis hangs or is gone, answers are quick and honest,
//     running streams go on, and everything heals by itself and is settled.
//   - refusal: a Redis that answers and refuses is told of with its reason.
//   - crash: what a gateway that is killed under 200 streams was running is free
//     for others within the lease, and what it had charged stays charged.
//   - drain: told to end, a gateway says so to probes and new requests,
//     finishes what runs, settles it and exits with 0; told twice, it cuts off.
//   - drain_many: so it does under 200 streams.
//   - slow: hundreds of clients that neither read nor write are cut off, and
//     leave nothing behind.
//   - mistake: what is wrong with a configuration or a port is said in a line
//     that tells where, and what to do.
//   - timeout: what bounds requests does not cut their answers.
//   - log: a gateway whose output is full, closed or broken goes on serving.
//   - attack: 25,000 words, wherever they are in a body, are not served for nothing.
//   - buffered: clients that read nothing, or send no end, take bounded memory.
//   - condemn: who makes a model server fail pays for it, and shuts out nobody.
//   - field: what nobody knows is not passed on, and no stream is silenced.
//   - lease: neither a standstill of Redis nor many models end a lease; a long
//     stream in debt is cheap.
//   - misbehave: one user does not set another's price; what a model server says
//     wrongly is no way to get answers for nothing.
//   - question: who is denied asks no model server for the tokens of a request, and
//     who asks has one request less.
//   - rights: a command that Redis refuses is told of by its name.
//   - room: idle accounts of one model make room for users of another.
//   - sequential: a client is not denied by its own request that has ended.
//   - trouble: a wrong way to Redis is told of with the setting.
//   - eviction: a Redis that may drop counters is warned of, once.
//
// Most tests run in parallel: one of them waits for a real minute.
package e2e
