package claims

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"

	"vaelab/internal/frontier"
	"vaelab/internal/record"
)

// dialOf returns the dial of a selection: the one setting in which its trials differ, a number.
func dialOf(s Selection, trials []record.Trial) (key string, err error) {
	left := choose(trials, s)
	var dials, several []string
	for _, k := range append(keys(left), dataKey) {
		if vs := values(left, k); len(vs) > 1 {
			dials, several = append(dials, k), append(several, fmt.Sprintf("%s (%s)", k, strings.Join(vs, ", ")))
		}
	}
	switch len(dials) {
	case 0:
		return "", fmt.Errorf("%s has one value of every setting; reading off at a rate takes two or more of its dial, the setting that moves the rate", s)
	case 1:
	default:
		return "", fmt.Errorf("%s varies in %s; only its dial, the setting that moves the rate, may: fix the others in the selection", s, strings.Join(several, " and "))
	}
	for _, v := range values(left, dials[0]) {
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return "", fmt.Errorf("%s varies in %s, which is no number; a dial is one", s, several[0])
		}
	}
	return dials[0], nil
}

// rated refuses a rate that was not given.
func rated(rate float64) error {
	if math.IsNaN(rate) {
		return errors.New("has no rate; give the KL in nats at which methods are compared, such as rate: 2")
	}
	return nil
}

// rateOf is the rate on the split of a quantity.
func rateOf(split string) Quantity { return Quantity{Metric: "kl", Split: split} }

// dialled are the finished trials of a selection over its dial.
func (e evidence) dialled(of Selection) (d frontier.Dialled, dial string, err error) {
	trials := e.selected(of)
	if dial, err = dialOf(of, trials); err != nil {
		return nil, "", err
	}
	for _, value := range values(trials, dial) {
		at := maps.Clone(of)
		at[dial] = value
		runs, err := e.done(at)
		if err != nil {
			return nil, "", err
		}
		d = append(d, runs)
	}
	return d, dial, nil
}

// spanOf returns the frontiers of a selection.
func (e evidence) spanOf(of Selection, q Quantity) (s frontier.Span, err error) {
	d, dial, err := e.dialled(of)
	if err != nil {
		return s, err
	}
	return frontier.SpanOf(fmt.Sprintf("%s over %s", of, dial), d, e.number(rateOf(q.Split)), e.number(q))
}

// readOff are the trials of a selection that it is read off from at a rate.
func (e evidence) readOff(of Selection, split string, rate float64) []record.Run {
	d, _, _ := e.dialled(of) // judge says what is wrong with it
	return d.ReadOff(rateOf(split).Of, rate)
}
