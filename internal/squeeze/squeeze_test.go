package squeeze_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"nats-server/internal/buf"
	"nats-server/internal/squeeze"
)

// chunks makes a batch of texts.
func chunks(texts ...string) (batch []*buf.Chunk) {
	for _, t := range texts {
		c := buf.Get(len(t))
		copy(c.Extend(len(t)), t)
		batch = append(batch, c)
	}
	return batch
}

// gather returns the bytes of a batch.
func gather(batch []*buf.Chunk) (b []byte) {
	for _, c := range batch {
		b = append(b, c.Data...)
		c.Release()
	}
	return b
}

// open opens b, of which it is shown a little more each time.
func open(c *squeeze.Codec, b []byte, step int) (plain []byte, err error) {
	have := 0
	for len(b) > 0 {
		size, n, err := c.Frame(b[:have])
		switch {
		case err != nil:
			return plain, err
		case size > have && have == len(b):
			return plain, io.ErrUnexpectedEOF
		case size > have:
			have = min(len(b), have+step)
			continue
		}
		dst := make([]byte, n)
		if err := c.Open(dst, b[:size]); err != nil {
			return plain, err
		}
		plain = append(plain, dst...)
		b, have = b[size:], have-size
	}
	return plain, nil
}

func TestSealAndOpen(t *testing.T) {
	noise := make([]byte, 300<<10)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	texts := []string{"PING\r\n", strings.Repeat("RS+ $G foo.bar\r\n", 1000), string(noise), strings.Repeat("x", 1<<20)}
	for l := squeeze.Uncompressed; l <= squeeze.Best; l++ {
		c, want, sealed := squeeze.New(l), "", []byte(nil)
		for i := range texts {
			want += strings.Join(texts[:i+1], "")
			b := gather(c.Seal(chunks(texts[:i+1]...)))
			if !bytes.HasPrefix(b, []byte("\xff\x06\x00\x00S2sTwO")) { // each batch is a stream
				t.Fatalf("begins with %q", b[:10])
			}
			sealed = append(sealed, b...)
		}
		for _, step := range []int{1, 7, 100_000, len(sealed)} {
			if got, err := open(squeeze.New(l), sealed, step); string(got) != want || err != nil {
				t.Fatalf("level %d, %d at a time: %d bytes %v, want %d", l, step, len(got), err, len(want))
			}
		}
		if got, err := io.ReadAll(s2.NewReader(bytes.NewReader(sealed))); string(got) != want || err != nil {
			t.Errorf("level %d: the library reads %d bytes %v, want %d", l, len(got), err, len(want))
		}
		if smaller := len(sealed) < len(want)/2; smaller != (l != squeeze.Uncompressed) {
			t.Errorf("level %d: %d bytes become %d", l, len(want), len(sealed))
		}
		if c.SetLevel(squeeze.Fast); c.Level() != squeeze.Fast {
			t.Errorf("level %d stays", c.Level())
		}
	}
	// What others seal has larger blocks.
	var b bytes.Buffer
	w := s2.NewWriter(&b, s2.WriterBlockSize(4<<20), s2.WriterPadding(1000), s2.WriterAddIndex())
	want := bytes.Repeat([]byte("0123456789"), 1<<20)
	w.Write(want)
	w.Close()
	if got, err := open(squeeze.New(0), b.Bytes(), b.Len()); !bytes.Equal(got, want) || err != nil {
		t.Errorf("%d bytes %v", len(got), err)
	}
}

const stream = "\xff\x06\x00\x00S2sTwO"

// frame is one with that kind and body.
func frame(kind byte, body string) string {
	return string([]byte{kind, byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16)}) + body
}

// What a hostile peer sends is refused before memory is taken for it.
func TestHostileInput(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got, err := open(squeeze.New(0), []byte(in), 1+len(in))
		if err == nil || !strings.Contains(err.Error(), want) || len(got) > 0 {
			t.Errorf("%.40q: %v, want %s", in, err, want)
		}
	}
	length := func(n uint64) string { return string(binary.AppendUvarint(nil, n)) }
	f(frame(0x01, "\x00\x00\x00\x00x"), "without a stream identifier")
	f(frame(0x80, "x"), "without a stream identifier")
	f("PING\r\n", "compressed frame of") // not compressed at all
	f(frame(0xff, "S2sTwo"), "broken")
	f(frame(0xff, ""), "broken")
	f(stream+frame(0x02, ""), "unknown kind of compressed frame: 0x2")
	f(stream+frame(0x7f, ""), "unknown kind")
	f(stream+frame(0x01, "abc"), "broken")
	f(stream+frame(0x00, ""), "broken")
	f(stream+frame(0x00, "\x00\x00\x00\x00"), "broken")
	f(stream+frame(0x01, "\x00\x00\x00\x00x"), "broken") // the checksum
	f(stream+frame(0x00, "\x00\x00\x00\x00"+length(1)+"\x00x"), "broken")
	f(stream+frame(0x00, "\x00\x00\x00\x00"+length(100)+"\x00x"), "broken")
	f(stream+frame(0x00, "\x00\x00\x00\x00"+length(4<<20+1)+"\x00x"), "compressed block of 4194305 bytes")
	f(stream+frame(0x00, "\x00\x00\x00\x00"+length(1<<31)+"\x00x"), "compressed block of")
	f(stream+frame(0x00, "\x00\x00\x00\x00"+length(1<<40)+"\x00x"), "broken")
	f(stream+"\x00\xff\xff\xff", "compressed frame of 16777215 bytes")
	f(stream+"\xfe\xff\xff\xff", "compressed frame of 16777215 bytes")
	f(stream+frame(0x01, strings.Repeat("x", 4+4<<20+1)), "compressed block of")
	f(stream+"\x01", "EOF")
}

// FuzzOpen opens anything. What it takes for good the library does, too.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(stream + frame(0x01, "\xab\x90\xcc\x24PING\r\n")))
	f.Add(gather(squeeze.New(squeeze.Fast).Seal(chunks(strings.Repeat("PING\r\n", 50)))))
	f.Add([]byte(stream + frame(0x80, "x") + frame(0xfe, "")))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := open(squeeze.New(0), b, 1+len(b))
		if err != nil {
			return
		}
		want, err := io.ReadAll(s2.NewReader(bytes.NewReader(b)))
		if len(b) > 0 && (err != nil || !bytes.Equal(got, want)) {
			t.Errorf("%q: got %q, the library %q %v", b, got, want, err)
		}
	})
}
