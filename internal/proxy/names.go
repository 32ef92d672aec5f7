package proxy

import (
	"bytes"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

const (
	// namesFew is how many names a body may have whose parsing takes too little to be counted.
	namesFew = 4 << 10
	// namesMax is how many may have to be told apart. No request that means anything to
	// a model has a tenth of it.
	namesMax = 32 << 10
	// nameCost is what the decoder takes for a name, and nameCopies for each byte of it.
	nameCost, nameCopies = 160, 4
)

// coverNames counts what it takes to find a name that the body has twice, which can be a
// multiple of the body, until it has been parsed. It refuses a body of which that would be
// too much, before anybody is told from others: it must cost little.
func (x *exchange) coverNames() error {
	if bytes.Count(x.body, []byte{':'}) <= namesFew {
		return nil // every name has a colon behind it
	}
	names, size := jsonscan.OpenNames(x.body)
	switch {
	case names > namesMax:
		return failure.InvalidRequest("", "the body has objects with %d names, more than %d: "+
			"send lists in their place, or less at once", names, namesMax)
	case names <= namesFew:
	case !x.covers(x.copyBytes() + names*nameCost + size*nameCopies):
		return failure.OverCapacity(bytesWait)
	}
	return nil
}

// uncoverNames gives back what coverNames has counted.
func (x *exchange) uncoverNames() { x.share.Shrink(x.bytesHeld() + int64(x.copyBytes())) }
