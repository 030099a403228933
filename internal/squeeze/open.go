package squeeze

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/s2"
)

// Kinds of frames of the format.
const (
	compressedData   = 0x00
	uncompressedData = 0x01
	firstSkipped     = 0x80 // up to 0xfe
	identifier       = 0xff
)

const (
	frameHead = 4       // its kind, and its length in three bytes
	checksum  = 4       // of the data
	mostPlain = 4 << 20 // bytes of a block, by the format
)

var (
	mostBody = checksum + s2.MaxEncodedLen(mostPlain)
	castle   = crc32.MakeTable(crc32.Castagnoli)

	errNoStream = errors.New("compressed data without a stream identifier")
	errBroken   = errors.New("broken compressed data")
)

// Frame returns how many bytes the first frame of b takes, or at least takes if it is not
// known yet. Of a frame that is complete it also returns how many bytes it opens to.
func (c *Codec) Frame(b []byte) (size, plain int, err error) {
	if len(b) < frameHead {
		return frameHead, 0, nil
	}
	kind, n := b[0], int(b[1])|int(b[2])<<8|int(b[3])<<16
	size = frameHead + n
	switch {
	case n > mostBody:
		return 0, 0, fmt.Errorf("compressed frame of %d bytes, at most %d are possible", n, mostBody)
	case kind == identifier || kind >= firstSkipped:
		return size, 0, nil
	case kind > uncompressedData:
		return 0, 0, fmt.Errorf("unknown kind of compressed frame: %#x", kind)
	case n < checksum:
		return 0, 0, errBroken
	case len(b) < size:
		return size, 0, nil
	case kind == uncompressedData:
		plain = n - checksum
	default:
		if plain, err = s2.DecodedLen(b[frameHead+checksum : size]); err != nil {
			return 0, 0, errBroken
		}
	}
	if plain > mostPlain {
		return 0, 0, fmt.Errorf("compressed block of %d bytes, at most %d are possible", plain, mostPlain)
	}
	return size, plain, nil
}

// Open opens a complete frame into dst, which has the length that Frame has said.
func (c *Codec) Open(dst, frame []byte) error {
	kind, body := frame[0], frame[frameHead:]
	switch {
	case kind == identifier:
		c.begun = true
		if s := string(body); s != "S2sTwO" && s != "sNaPpY" {
			return errBroken
		}
		return nil
	case !c.begun:
		return errNoStream
	case kind >= firstSkipped:
		return nil
	case kind == uncompressedData:
		copy(dst, body[checksum:])
	default:
		if got, err := s2.Decode(dst, body[checksum:]); err != nil || len(got) != len(dst) {
			return errBroken
		}
	}
	sum := crc32.Checksum(dst, castle)
	if (sum>>15|sum<<17)+0xa282ead8 != binary.LittleEndian.Uint32(body) {
		return errBroken
	}
	return nil
}
