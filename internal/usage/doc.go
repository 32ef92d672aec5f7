// Package usage tells how many tokens a request costs before it is sent.
//
// A [Pricer] keeps, for one model, what usage has taught: how many tokens a text
// of that model has per character of each class, how much its chat template
// adds, how long its answers to each user are, and how fast it decodes. From
// these it makes a [Price], and estimates what was spent where no usage was
// told. It runs no tokenizer, knows no limit, and stores nothing: a new process
// begins with priors and has learned what matters after some dozens of requests.
//
// How the input is estimated: a linear model over the counts of [chars.Text],
// fitted to relative errors by a Kalman filter (regression.go), gives the
// middle; a margin per kind and size of text (margin.go) lifts it to the
// quantile that about one request in fourteen exceeds. How the output is estimated:
// the 90th percentile of a decaying histogram (quantile.go) per user, in a table
// of bounded size (history.go).
//
// Who teaches whom: the users of a model are divided among eight panels, each of
// which learns from its own users only; a price is the median of what the panels
// say (jury.go). So whatever one user sends, and however much, is one vote of eight.
// A user's own lessons count for himself beyond that (person.go); to whom has taught
// nothing, what is known of models in general has a say.
//
// Invariants, kept by tests on the counts of real tokenizers: InputFloor is
// never above the truth; Input >= InputFloor; what an input costs is at most
// ExcessMax times its price (ceiling.go); what one request teaches is
// bounded, whatever its usage says; one user does not set the price of another;
// memory does not depend on the number of users or on what clients send.
//
// A Pricer is safe for concurrent use. It reads no clock, and neither logs nor
// counts.
package usage
