package usage

import "math/bits"

// quantile is a decaying histogram of output lengths, from which the 90th
// percentile is read. Its zero value is empty. Its buckets are 9 to the octave
// (8 % wide), exact below 16; old lengths count less and less.
type quantile struct {
	counts [bucketCount]uint16
	total  uint32
	most   uint8 // the highest bucket that ever had a length
}

const (
	exactBelow  = 16 // lengths with a bucket of their own
	perOctave   = 9
	octaves     = 16 // up to a million
	bucketCount = exactBelow + octaves*perOctave

	lengthWeight = 16                 // of one length, which halving must not erase
	totalMax     = 200 * lengthWeight // then all counts are halved
	percentile   = 90
)

func (q *quantile) learn(length int64) {
	b := bucketOf(length)
	q.counts[b] += lengthWeight
	q.most = max(q.most, uint8(b)) // #nosec G115 -- an index of counts
	q.total += lengthWeight
	if q.total >= totalMax {
		q.halve()
	}
}

func (q *quantile) halve() {
	q.total = 0
	for i := range q.counts {
		q.counts[i] /= 2
		q.total += uint32(q.counts[i])
	}
}

// value returns the least length that the percentile of all does not exceed,
// rounded up by at most 8 %. 0: empty.
func (q *quantile) value() int64 {
	above := q.total * (100 - percentile) / 100
	for i := int(q.most); i >= 0; i-- {
		if uint32(q.counts[i]) > above {
			return bucketTop(i)
		}
		above -= uint32(q.counts[i])
	}
	return 0
}

// octaveSteps has the bounds of the buckets within an octave, in 1/1024:
// 1024 * 2^(i/9).
var octaveSteps = [perOctave + 1]int64{1024, 1106, 1195, 1290, 1393, 1505, 1625, 1756, 1896, 2048}

func bucketOf(length int64) int {
	if length < exactBelow {
		return int(max(length, 0))
	}
	octave := bits.Len64(uint64(length)) - 1 // 2^octave <= length
	fraction := length << 10 >> octave
	step := 0
	for step < perOctave-1 && fraction >= octaveSteps[step+1] {
		step++
	}
	return min(exactBelow+(octave-4)*perOctave+step, bucketCount-1)
}

// bucketTop returns the largest length of a bucket.
func bucketTop(i int) int64 {
	if i < exactBelow {
		return int64(i)
	}
	octave, step := (i-exactBelow)/perOctave+4, (i-exactBelow)%perOctave
	return (octaveSteps[step+1]<<octave+1023)>>10 - 1
}
