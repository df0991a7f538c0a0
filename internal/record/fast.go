package record

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"
)

// A scanner reads rows in the one form that Row.MarshalJSON writes: the keys in their order, names in alphabetical
// order, no white space, no escapes. It is some ten times as fast as encoding/json and has no opinion of
// its own: whatever it does not recognise it leaves to encoding/json, which knows what is
// broken and how to say it.
type scanner struct {
	line  []byte
	names map[string]string // metric names seen, so that each is one string for all rows

	trusted         bool     // what stands between the brackets of a vector is numbers, and is skipped
	values, vectors []string // names in the row read last
}

// row reads one line, whose values it appends to numbers; the entry's vectors and size are the place of their text in
// the line. ok is false if encoding/json has to look at it.
func (s *scanner) row(line []byte, numbers *[]float64) (e Entry, ok bool) {
	s.line, s.values, s.vectors = line, s.values[:0], s.vectors[:0]
	ok = s.token(`{"step":`) && s.integer(&e.Step) &&
		s.token(`,"epoch":`) && s.number(&e.Epoch) &&
		s.token(`,"split":`) && s.name(&e.Split) && e.Split != "" &&
		s.token(`,"values":{`) && s.readValues(numbers)
	if ok && s.token(`,"vectors":{`) {
		e.vectors = uint32(len(line) - len(s.line))
		ok = s.readVectors()
		e.size = uint32(len(line)-len(s.line)) - e.vectors - 1 // without the brace
	}
	return e, ok && s.token("}") && len(s.line) == 0
}

// readValues reads the values up to their closing brace.
func (s *scanner) readValues(numbers *[]float64) bool {
	for more := !s.token("}"); more; {
		var name string
		var v float64
		if !s.name(&name) || !s.token(":") || !s.number(&v) || !after(s.values, name) {
			return false
		}
		s.values, *numbers = append(s.values, name), append(*numbers, v)
		if more = s.token(","); !more && !s.token("}") {
			return false
		}
	}
	return true
}

// after tells whether a name comes after those before it.
func after(names []string, name string) bool { return len(names) == 0 || names[len(names)-1] < name }

// readVectors reads the vectors up to their closing brace; there is at least one.
func (s *scanner) readVectors() bool {
	for more := true; more; {
		var name string
		if !s.name(&name) || !s.token(":[") || !after(s.vectors, name) {
			return false
		}
		if s.trusted {
			if !s.skipVector() {
				return false
			}
		} else if _, ok := s.vector(); !ok {
			return false
		}
		s.vectors = append(s.vectors, name)
		if more = s.token(","); !more && !s.token("}") {
			return false
		}
	}
	return true
}

// vector reads numbers up to their closing bracket.
func (s *scanner) vector() (vector []float64, ok bool) {
	vector = make([]float64, 0, 8)
	for more := !s.token("]"); more; {
		var v float64
		if !s.number(&v) {
			return nil, false
		}
		vector = append(vector, v)
		if more = s.token(","); !more && !s.token("]") {
			return nil, false
		}
	}
	return vector, true
}

// skipVector goes on behind the closing bracket.
func (s *scanner) skipVector() bool {
	end := bytes.IndexByte(s.line, ']')
	s.line = s.line[end+1:]
	return end >= 0
}

// skipName goes on behind a string of which name has been read before.
func (s *scanner) skipName() bool {
	if !s.token(`"`) {
		return false
	}
	end := bytes.IndexByte(s.line, '"')
	s.line = s.line[end+1:]
	return end >= 0
}

// token reads a text if it comes next.
func (s *scanner) token(text string) bool {
	if len(s.line) < len(text) || string(s.line[:len(text)]) != text {
		return false
	}
	s.line = s.line[len(text):]
	return true
}

// name reads a string of plain ASCII.
func (s *scanner) name(to *string) bool {
	if !s.token(`"`) {
		return false
	}
	for i, c := range s.line {
		switch {
		case c == '"':
			known, ok := s.names[string(s.line[:i])]
			if !ok {
				known = string(s.line[:i])
				s.names[known] = known
			}
			*to, s.line = known, s.line[i+1:]
			return true
		case c < ' ' || c == '\\' || c > '~':
			return false
		}
	}
	return false
}

// integer reads a JSON number without fraction and exponent.
func (s *scanner) integer(to *int) bool {
	n := numberLen(s.line)
	v, err := strconv.Atoi(string(s.line[:n]))
	*to, s.line = v, s.line[n:]
	return err == nil
}

// number reads a JSON number, or null as NaN.
func (s *scanner) number(to *float64) bool {
	if s.token("null") {
		*to = math.NaN()
		return true
	}
	if v, n := short19(s.line); n > 0 {
		*to, s.line = v, s.line[n:]
		return true
	}
	n := numberLen(s.line)
	v, err := strconv.ParseFloat(string(s.line[:n]), 64)
	*to, s.line = v, s.line[n:]
	return n > 0 && err == nil
}

// short19 reads the JSON number at the start of b if it has up to 19 digits and no exponent, as nearly all
// have; n is its length, or 0. The value is the nearest float64, ties to even.
//
// Such a number is m / 10^k with both in a uint64. With their top bits moved to the top, one division
// gives 63 bits or more of the quotient, and whether a rest remains, which may only break a tie.
func short19(b []byte) (v float64, n int) {
	var m uint64
	digits, point := 0, -1
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		n = 1
	}
	first := n
	for ; n < len(b); n++ {
		c := b[n]
		if c == '.' && point < 0 && digits > 0 {
			point = digits
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		m = 10*m + uint64(c-'0')
		digits++
	}
	k := 0
	if point >= 0 {
		k = digits - point
	}
	switch {
	case digits == 0 || digits > 19 || point >= 0 && k == 0: // none, too many, or "1."
		return 0, 0
	case n < len(b) && (b[n] == '.' || b[n]|0x20 == 'e'):
		return 0, 0
	case b[first] == '0' && digits > 1 && point != 1: // "01"
		return 0, 0
	}
	if m > 0 {
		d := pow10[k]
		up, upD := bits.LeadingZeros64(m), bits.LeadingZeros64(d)
		m <<= up
		q, rest := bits.Div64(m>>1, m<<63, d<<upD)
		if rest > 0 {
			q |= 1
		}
		v = float64(q) * math.Float64frombits(uint64(1023-63+upD-up)<<52)
	}
	if negative {
		v = -v
	}
	return v, n
}

// pow10 are the powers of ten that a uint64 holds.
var pow10 = func() (p [20]uint64) {
	p[0] = 1
	for k := 1; k < len(p); k++ {
		p[k] = 10 * p[k-1]
	}
	return p
}()

// numberLen is the length of the JSON number at the start of b, or 0. JSON allows fewer forms
// than strconv.
//
// Source: RFC 8259, section 6.
func numberLen(b []byte) int {
	i := 0
	digits := func() bool {
		from := i
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		return i > from
	}
	at := func(set string) bool {
		for j := range len(set) {
			if i < len(b) && b[i] == set[j] {
				i++
				return true
			}
		}
		return false
	}
	at("-")
	if !at("0") && !digits() {
		return 0
	}
	if at(".") && !digits() {
		return 0
	}
	if at("eE") {
		at("+-")
		if !digits() {
			return 0
		}
	}
	return i
}
