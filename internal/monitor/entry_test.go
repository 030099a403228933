package monitor

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// Whatever is in the fields, the report is what package json makes of it.
func TestConnzIsEncodedAsJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := []string{"", "a", "1.2.3.4", "über", "<b>&\"\\", "\x00\n\t", "\xff\xfe", "\u2028", "nats.go"}
	text := func() string { return texts[r.IntN(len(texts))] }
	number := func() int64 { return []int64{0, 1, -1, 1 << 40}[r.IntN(4)] }
	moment := func() time.Time { return time.Unix(0, r.Int64N(1<<60)).UTC() }
	random := func() *Connection {
		c := new(Connection)
		v := reflect.ValueOf(c).Elem()
		for i := range v.NumField() {
			switch f := v.Field(i).Addr().Interface().(type) {
			case *string:
				*f = text()
			case *int:
				*f = int(number())
			case *int64:
				*f = number()
			case *uint64:
				*f = uint64(number())
			case *uint32:
				*f = uint32(number())
			case *bool:
				*f = r.IntN(2) == 0
			case *time.Time:
				*f = moment()
			case **time.Time:
				if at := moment(); r.IntN(2) == 0 {
					*f = &at
				}
			case *[]*PeerCert:
				for range r.IntN(3) {
					*f = append(*f, &PeerCert{text(), text(), text()})
				}
			case *[]string:
				for range r.IntN(3) {
					*f = append(*f, text())
				}
			case *[]Subscription:
				for range r.IntN(3) {
					*f = append(*f, Subscription{Subject: text(), Queue: text(), SID: text(), Msgs: number(), Max: number()})
				}
			default:
				t.Fatalf("a field of type %T is not tested", f)
			}
		}
		return c
	}
	for range 500 {
		c := &Connz{head: head{ServerID: text(), Now: moment()}, Total: int(number())}
		if r.IntN(2) == 0 {
			c.Connections = []*Connection{} // not the same as none
		}
		for range r.IntN(4) {
			c.Connections = append(c.Connections, random())
		}
		want, err := json.MarshalIndent(c, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		frame := *c
		frame.Connections = c.Connections[:0]
		got, err := appendConnz(nil, &frame, func(yield func(*Connection, error) bool) {
			for _, e := range c.Connections {
				if !yield(e, nil) {
					return
				}
			}
		})
		if err != nil || string(got) != string(want) {
			t.Fatalf("%v\n%s\nwant\n%s", err, got, want)
		}
	}
}
