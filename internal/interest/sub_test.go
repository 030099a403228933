package interest_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"unsafe"
	"weak"

	"nats-server/internal/interest"
)

func TestSubFitsACacheLine(t *testing.T) {
	if n := unsafe.Sizeof(interest.Sub{}); n != 64 {
		t.Errorf("a subscription takes %d bytes", n)
	}
}

func TestSubKnowsItsParts(t *testing.T) {
	f := func(filter, group, sid string) {
		t.Helper()
		s := interest.NewSub(nobody, []byte(filter), []byte(group), []byte(sid))
		if s.Filter() != filter || s.Group() != group || s.Sid() != sid || s.To() != nobody {
			t.Errorf("got %q %q %q %p", s.Filter(), s.Group(), s.Sid(), s.To())
		}
	}
	f("foo.*", "", "1")
	f("foo", "group", "sid")
	long := fmt.Sprintf("%0200d", 7)
	f(long+"f", long+"g", long+"s")
}

func TestSubCopiesItsParts(t *testing.T) {
	b := []byte("foo1")
	s := interest.NewSub(nobody, b[:3], nil, b[3:])
	copy(b, "xxxx")
	if s.Filter() != "foo" || s.Sid() != "1" {
		t.Errorf("has become %q %q", s.Filter(), s.Sid())
	}
}

func TestLimit(t *testing.T) {
	s := newSub("foo", "", 1)
	if s.Limited() {
		t.Error("limited from the start")
	}
	if s.Limit(); !s.Limited() {
		t.Error("not limited")
	}
}

func TestSids(t *testing.T) {
	var x interest.Sids
	if s := x.Find([]byte("1")); s != nil || x.Len() != 0 {
		t.Fatal("the zero Sids is not empty")
	}
	first := newSub("a", "", 1)
	x.Add(first)
	if s := x.Find([]byte("1")); s != first || x.Len() != 1 {
		t.Errorf("found %v of %d", s, x.Len())
	}
	if x.Find([]byte("2")) != nil {
		t.Error("found a sid that is not there")
	}
	if !x.Remove(first) || x.Len() != 0 || x.Find([]byte("1")) != nil {
		t.Error("not removed")
	}
	if x.Remove(first) {
		t.Error("removed twice")
	}
	second := newSub("b", "", 1)
	x.Add(second)
	if x.Remove(first) {
		t.Error("one that is gone removed the one that has its sid now")
	}
	if x.Find([]byte("1")) != second || x.Len() != 1 {
		t.Error("the second is lost")
	}
}

func TestSidsUnderRandomChanges(t *testing.T) {
	var x interest.Sids
	want := make(map[string]*interest.Sub)
	for range 20_000 {
		s := newSub("a", "", rand.IntN(300))
		old := want[s.Sid()]
		if got := x.Find([]byte(s.Sid())); got != old {
			t.Fatalf("%s: found %p, want %p", s.Sid(), got, old)
		}
		if old == nil {
			x.Add(s)
			want[s.Sid()] = s
		} else if x.Remove(s) || !x.Remove(old) {
			t.Fatalf("%s: removed the wrong one", s.Sid())
		} else {
			delete(want, s.Sid())
		}
	}
	if x.Len() != len(want) {
		t.Fatalf("Len is %d, want %d", x.Len(), len(want))
	}
	x.Each(func(s *interest.Sub) {
		if want[s.Sid()] != s {
			t.Errorf("%s: each shows %p, want %p", s.Sid(), s, want[s.Sid()])
		}
		delete(want, s.Sid())
	})
	if len(want) > 0 {
		t.Errorf("each has not shown %d", len(want))
	}
}

func TestRemovedSubscriptionsAreNotKept(t *testing.T) {
	f := func(filter string) {
		t.Helper()
		var table interest.Table
		stays, goes := newSub(filter, "", 1), newSub(filter, "", 2)
		table.Insert(stays)
		table.Insert(goes)
		table.Remove(goes)
		gone := weak.Make(goes)
		goes = nil
		runtime.GC()
		if gone.Value() != nil {
			t.Errorf("%s: still there", filter)
		}
		runtime.KeepAlive(&table)
	}
	f("a.b")
	f("a.*")
	f(">")
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestMemoryOfLiteralSubscriptions(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	const count, most = 200_000, 200
	before := heap()
	table, sids := new(interest.Table), new(interest.Sids)
	for i := range count {
		s := newSub("_INBOX.QjaBSOZd9iFu75."+strconv.Itoa(i), "", i)
		table.Insert(s)
		sids.Add(s)
	}
	per := float64(heap()-before) / count
	t.Logf("%.0f bytes per subscription", per)
	if per > most {
		t.Errorf("%.0f bytes per subscription, want at most %d", per, most)
	}

	sids.Each(table.Remove)
	*sids = interest.Sids{}
	if left := int64(heap()) - int64(before); left > count {
		t.Errorf("%d bytes are held for no subscription", left)
	}
	runtime.KeepAlive(table)
	runtime.KeepAlive(sids)
}
