package pth

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// The operations of pickle that PyTorch's files hold: those of protocols 2 to 5
// that don't name code by number, share out-of-band buffers or make instances in
// the ways of protocols 0 and 1. Source: Lib/pickletools.py of CPython.
const (
	opMark, opStop                                     = '(', '.'
	opNone, opTrue, opFalse                            = 'N', 0x88, 0x89
	opInt32, opUint8, opUint16, opLong1, opLong4       = 'J', 'K', 'M', 0x8a, 0x8b
	opFloat                                            = 'G'
	opString32, opString8                              = 'T', 'U' // Python 2's str
	opUnicode8, opUnicode32, opUnicode64               = 0x8c, 'X', 0x8d
	opBytes8, opBytes32, opBytes64, opByteArray        = 'C', 'B', 0x8e, 0x96
	opEmptyTuple, opTuple1, opTuple2, opTuple3         = ')', 0x85, 0x86, 0x87
	opTuple, opEmptyList, opEmptyDict, opEmptySet      = 't', ']', '}', 0x8f
	opAppend, opAppends, opSetItem, opSetItems         = 'a', 'e', 's', 'u'
	opAddItems, opFrozenSet                            = 0x90, 0x91
	opGet8, opGet32, opPut8, opPut32, opMemoize        = 'h', 'j', 'q', 'r', 0x94
	opGlobal, opStackGlobal, opInstance                = 'c', 0x93, 'i'
	opReduce, opNewObject, opBuild, opPersistent       = 'R', 0x81, 'b', 'Q'
	opProtocol, opFrame                           byte = 0x80, 0x95
)

// machine runs pickles. It makes values of the kinds in values.go and does nothing
// else.
type machine struct {
	in    *input
	stack []any
	marks []int // lengths of the stack at the marks
	memo  []any
	put   int   // entries of memo that are set
	ops   int   // of all pickles of the file
	at    int64 // where in the file the operation lies that is being done
	// load resolves a persistent id, which in PyTorch's files is a storage; nil
	// where a pickle has none.
	load func(id any) (*storage, error)
}

// run runs one pickle and returns its value.
func (m *machine) run() (any, error) {
	m.stack, m.marks, m.memo, m.put = m.stack[:0], m.marks[:0], m.memo[:0], 0
	for {
		m.at = m.in.pos()
		op, err := m.in.next()
		if err != nil {
			return nil, err
		}
		if err := m.charge(1); err != nil {
			return nil, err
		}
		if op == opStop {
			if len(m.stack) != 1 || len(m.marks) != 0 {
				return nil, m.malformed("the pickle ends with %d values and %d open marks, want 1 and 0", len(m.stack), len(m.marks))
			}
			return m.stack[0], nil
		}
		if err := m.step(op); err != nil {
			return nil, err
		}
	}
}

// charge counts operations, or work that amounts to n of them.
func (m *machine) charge(n int) error {
	if m.ops += n; m.ops > maxOps {
		return m.in.disk.unsupported("the pickled structure takes more than %d operations", maxOps)
	}
	return nil
}

// malformed is an error of the operation that is being done.
func (m *machine) malformed(format string, args ...any) error {
	return m.in.disk.malformed("byte %d: %s", m.at, fmt.Sprintf(format, args...))
}

func (m *machine) unsupported(format string, args ...any) error {
	return m.in.disk.unsupported("byte %d: %s", m.at, fmt.Sprintf(format, args...))
}

func (m *machine) push(v any) error {
	if len(m.stack) == maxStack {
		return m.unsupported("the pickle stacks more than %d values", maxStack)
	}
	m.stack = append(m.stack, v)
	return nil
}

// pop takes n values off the stack, none from below the last mark. They stay valid
// until the next push.
func (m *machine) pop(n int) ([]any, error) {
	floor := 0
	if len(m.marks) > 0 {
		floor = m.marks[len(m.marks)-1]
	}
	if len(m.stack)-floor < n {
		return nil, m.malformed("an operation takes %d values, and %d are there", n, len(m.stack)-floor)
	}
	at := len(m.stack) - n
	v := m.stack[at:]
	m.stack = m.stack[:at]
	return v, nil
}

// popMark takes all values above the last mark.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, m.malformed("an operation wants a mark, and none is set")
	}
	at := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	v := m.stack[at:]
	m.stack = m.stack[:at]
	return v, nil
}

// step does one operation.
func (m *machine) step(op byte) error {
	switch op {
	case opNone, opTrue, opFalse, opInt32, opUint8, opUint16, opLong1, opLong4, opFloat,
		opString32, opString8, opUnicode8, opUnicode32, opUnicode64, opBytes8, opBytes32, opBytes64, opByteArray:
		v, err := m.literal(op)
		if err != nil {
			return err
		}
		return m.push(v)
	case opMark:
		if len(m.marks) == maxMarks {
			return m.unsupported("values nest deeper than %d", maxMarks)
		}
		m.marks = append(m.marks, len(m.stack))
		return nil
	case opEmptyTuple, opTuple1, opTuple2, opTuple3, opTuple:
		return m.tuple(op)
	case opEmptyList:
		return m.push(&sequence{})
	case opEmptyDict:
		return m.push(&mapping{})
	case opEmptySet:
		return m.push(inert{})
	case opAppend, opSetItem, opAppends, opSetItems, opAddItems:
		return m.extend(op)
	case opFrozenSet:
		if _, err := m.popMark(); err != nil {
			return err
		}
		return m.push(inert{})
	case opGet8, opGet32, opPut8, opPut32, opMemoize:
		return m.remember(op)
	case opGlobal, opStackGlobal, opInstance:
		return m.global(op)
	case opReduce, opNewObject, opBuild, opPersistent:
		return m.object(op)
	case opProtocol:
		p, err := m.in.next()
		if err == nil && (p < 2 || p > 5) {
			err = m.unsupported("pickle protocol %d, want 2 to 5", p)
		}
		return err
	case opFrame: // a hint for readers that don't buffer
		n, err := m.in.number(8)
		if err != nil {
			return err
		}
		return m.in.need(n)
	}
	return m.unsupported("pickle operation 0x%02x isn't one of those that PyTorch writes", op)
}

// literal reads a value that is written out. Bytes are dropped.
func (m *machine) literal(op byte) (any, error) {
	size := 0 // of a number, or of the length of a string
	switch op {
	case opNone:
		return nil, nil
	case opTrue, opFalse:
		return op == opTrue, nil
	case opUint8, opLong1, opString8, opUnicode8, opBytes8:
		size = 1
	case opUint16:
		size = 2
	case opInt32, opLong4, opString32, opUnicode32, opBytes32:
		size = 4
	case opFloat, opUnicode64, opBytes64, opByteArray:
		size = 8
	}
	n, err := m.in.number(size)
	if err != nil {
		return nil, err
	}
	switch op {
	case opUint8, opUint16:
		return int64(n), nil
	case opInt32:
		return int64(int32(n)), nil
	case opFloat: // the one number that is written big-endian
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], n)
		return math.Float64frombits(binary.LittleEndian.Uint64(b[:])), nil
	case opLong1, opLong4:
		return m.long(n)
	case opBytes8, opBytes32, opBytes64, opByteArray:
		return inert{}, m.in.skip(n)
	}
	return m.in.text(n)
}

// long reads an integer of n bytes.
func (m *machine) long(n uint64) (any, error) {
	s, err := m.in.text(n)
	if err != nil || n > 8 {
		return long(s), err
	}
	var v uint64
	for i := range len(s) { // bytes, not runes
		v |= uint64(s[i]) << (8 * i)
	}
	unused := 64 - 8*n // shifts by 64 give 0, and -1 for none
	return int64(v<<unused) >> unused, nil
}

// tuple makes a tuple of the last values.
func (m *machine) tuple(op byte) error {
	var items []any
	var err error
	switch op {
	case opTuple1, opTuple2, opTuple3:
		items, err = m.pop(int(op-opTuple1) + 1)
	case opTuple:
		items, err = m.popMark()
	}
	if err != nil {
		return err
	}
	return m.push(&sequence{items: slices.Clone(items), tuple: true})
}

// extend puts the last values into the container below them.
func (m *machine) extend(op byte) error {
	var items []any
	var err error
	switch op {
	case opAppend:
		items, err = m.pop(1)
	case opSetItem:
		items, err = m.pop(2)
	default:
		items, err = m.popMark()
	}
	if err != nil {
		return err
	}
	target, err := m.pop(1)
	if err != nil {
		return err
	}
	switch t := target[0].(type) {
	case inert:
	case *sequence:
		if t.tuple || op != opAppend && op != opAppends {
			return m.malformed("values are put into what isn't a list")
		}
		t.items = append(t.items, items...)
	case *mapping:
		if t.object || op != opSetItem && op != opSetItems || len(items)%2 != 0 {
			return m.malformed("%d values are put into a dictionary", len(items))
		}
		t.pairs = append(t.pairs, items...)
	default:
		return m.malformed("values are put into what isn't a container")
	}
	m.stack = m.stack[:len(m.stack)+1] // target stays
	return nil
}

// remember puts the last value into the memo, or a value of the memo on the stack.
func (m *machine) remember(op byte) error {
	var n uint64
	var err error
	switch op {
	case opGet8, opPut8:
		n, err = m.in.number(1)
	case opGet32, opPut32:
		n, err = m.in.number(4)
	case opMemoize:
		n = uint64(m.put)
	}
	if err != nil {
		return err
	}
	if op == opGet8 || op == opGet32 {
		if n >= uint64(len(m.memo)) || m.memo[n] == (hole{}) {
			return m.malformed("memo %d is used before it is set", n)
		}
		return m.push(m.memo[n])
	}
	last, err := m.pop(1)
	if err != nil {
		return err
	}
	if n >= maxMemo {
		return m.unsupported("memo %d, want at most %d", n, maxMemo-1)
	}
	for uint64(len(m.memo)) <= n {
		m.memo = append(m.memo, hole{})
	}
	if m.memo[n] == (hole{}) {
		m.put++
	}
	m.memo[n] = last[0]
	m.stack = m.stack[:len(m.stack)+1]
	return nil
}
