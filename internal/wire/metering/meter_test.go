package metering

import "testing"

// TestMeterIsBounded: choices and prompts beyond those of the request are one each, however
// large their numbers are.
func TestMeterIsBounded(t *testing.T) {
	var m Meter
	m.Reset(3, 2)
	for index := int64(0); index < 1<<20; index += 1 << 10 {
		m.See(index, true)
		m.SetRunning(index, Report{InputTold: true, OutputTold: true})
	}
	if len(m.choices) > 7 || len(m.prompts) > 3 {
		t.Errorf("%d choices and %d prompts are kept", len(m.choices), len(m.prompts))
	}
}
