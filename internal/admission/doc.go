// Package admission decides whether a request may use a model, and accounts for what the
// request uses: it prices, reserves, tops up, settles and learns. It knows neither HTTP nor
// connections; whoever serves requests holds a [Ticket] for each.
//
// # A ticket's life
//
//	Begin      names the user, the model's terms and the request
//	Price      estimates the tokens; where the terms ask for it, a model server counts them
//	Reserve    charges that price to every limit, all or none
//	Sent       the request goes to a model server
//	Metered    whether that one tells the usage while it streams: before Capped and OutputCap
//	Streaming  the answer is a stream
//	Backed     what has been generated is charged, and something ahead of it
//	Settle     what was charged is replaced by what was used, exactly once
//	Close      settles what nobody has settled
//
// # Invariants
//
//   - What was reserved is settled exactly once, if Close, Reset or Begin follows in the end.
//   - Price, where it asks a model server, holds a reservation of the least that the request
//     can be: nobody is asked for a request that the limits deny.
//   - A request that a model server has got, and has not turned away for a full queue, counts
//     as a request, whatever comes of it.
//   - Under overrun "stop", no output for which Backed has reported true exceeds what is
//     charged. Input beyond its estimate has been spent, and is charged in the end.
//
// It neither logs nor counts: an [Observer] is told. A Ticket belongs to one goroutine at a
// time; all tickets may share one store.
package admission
