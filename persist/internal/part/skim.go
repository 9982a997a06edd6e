package part

import "encoding/binary"

// The types of Thrift's compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftStruct = 12

	thriftDepthMax = 16
)

// skim returns the size of the Thrift struct at the front of data, or false if there
// is none that is well formed: what it says of the lengths of its lists and texts
// has to be there. A decoder that believes those lengths therefore allocates no more
// than in proportion to data. Maps, which Parquet does not have, are refused.
func skim(data []byte) (size int, ok bool) {
	s := skimmer{rest: data, ok: true}
	s.skipStruct(0)
	return len(data) - len(s.rest), s.ok
}

// skimmer is at the rest of some data; ok turns false, for good, at what is not well
// formed.
type skimmer struct {
	rest []byte
	ok   bool
}

func (s *skimmer) skipStruct(depth int) {
	for s.ok {
		head := s.byte()
		if !s.ok || head == 0 {
			return
		}
		if head>>4 == 0 {
			s.varint() // the id of the field, as a whole
		}
		if kind := head & 0xf; kind != thriftTrue && kind != thriftFalse { // those are values already
			s.skip(kind, depth)
		}
	}
}

func (s *skimmer) skip(kind byte, depth int) {
	if depth >= thriftDepthMax {
		s.ok = false
		return
	}
	switch kind {
	case thriftTrue, thriftFalse, thriftByte:
		s.take(1)
	case thriftI16, thriftI32, thriftI64:
		s.varint()
	case thriftDouble:
		s.take(8)
	case thriftBinary:
		s.take(s.varint())
	case thriftList, thriftSet:
		s.skipList(depth + 1)
	case thriftStruct:
		s.skipStruct(depth + 1)
	default:
		s.ok = false
	}
}

func (s *skimmer) skipList(depth int) {
	head := s.byte()
	length := uint64(head >> 4)
	if length == 15 {
		length = s.varint()
	}
	for ; s.ok && length > 0; length-- {
		s.skip(head&0xf, depth)
	}
}

func (s *skimmer) varint() uint64 {
	n, size := binary.Uvarint(s.rest)
	s.take(uint64(max(size, 0)))
	s.ok = s.ok && size > 0
	return n
}

func (s *skimmer) byte() byte {
	if len(s.rest) == 0 {
		s.ok = false
		return 0
	}
	head := s.rest[0]
	s.rest = s.rest[1:]
	return head
}

func (s *skimmer) take(size uint64) {
	if size > uint64(len(s.rest)) {
		s.ok = false
		return
	}
	s.rest = s.rest[size:]
}
