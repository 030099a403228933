package insight

import "container/heap"

// key is what is counted: a subject, or what subjects have in common, of an account.
type key struct{ account, subject string }

// entry is the count of one key. Counts are in the units of the moment that the
// collection counts from.
type entry struct {
	key
	msgs  float64 // at most this
	error float64 // of msgs, so much may belong to keys that had the place before
	bytes float64 // since it has the place
	at    int     // in the heap
}

// sketch keeps the heaviest keys of a stream in a bounded number of places, by the
// algorithm "space-saving": a new key takes over the place of the lightest and its
// count, as an error. A key that has more than total/places is certainly in it.
type sketch struct {
	places int
	byKey  map[key]*entry
	heap   byMsgs // the lightest first
}

func newSketch(places int) *sketch {
	return &sketch{places: places, byKey: make(map[key]*entry)}
}

// add counts a message. A subject that is known costs no allocation.
func (s *sketch) add(account string, subject []byte, msgs, bytes float64) {
	e := s.byKey[key{account, string(subject)}]
	switch {
	case e != nil:
		e.msgs += msgs
		e.bytes += bytes
	case len(s.heap) < s.places:
		e = &entry{key: key{account, string(subject)}, msgs: msgs, bytes: bytes}
		s.byKey[e.key] = e
		heap.Push(&s.heap, e)
		return
	default:
		e = s.heap[0]
		delete(s.byKey, e.key)
		*e = entry{key: key{account, string(subject)}, msgs: e.msgs + msgs, error: e.msgs, bytes: bytes}
		s.byKey[e.key] = e
	}
	heap.Fix(&s.heap, e.at)
}

// scale multiplies all counts, which leaves their order as it is.
func (s *sketch) scale(f float64) {
	for _, e := range s.heap {
		e.msgs *= f
		e.error *= f
		e.bytes *= f
	}
}

// byMsgs is a heap.Interface.
type byMsgs []*entry

func (h byMsgs) Len() int           { return len(h) }
func (h byMsgs) Less(i, j int) bool { return h[i].msgs < h[j].msgs }

func (h byMsgs) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *byMsgs) Push(x any) {
	e := x.(*entry)
	e.at = len(*h)
	*h = append(*h, e)
}

func (h *byMsgs) Pop() any { panic("places are taken over, not given up") }
