// Package buffer bounds the bytes that a process holds for others at once, over
// everything that it does for them: see [Budget]. It knows nothing of what the bytes
// are, allocates none of them, and starts no goroutine.
//
// What holds bytes has a [Share] and covers with it what it is about to allocate, so that the sum
// of what is held is never above the bound. Where the bound is reached, those are cut off that have
// waited the longest for the other side of their connection; what they held counts as given back
// from then on. Where that is not enough, nobody is cut off, and what was asked for is refused.
package buffer
