package proxy

import "github.com/Shopify/toxiproxy/v2/stream"

// rope is the part of one direction's stream that has arrived and has not been
// decided on: the chunks as the link delivered them. Frames are read in place
// where they lie within one chunk, and leave as the very chunks they came in,
// so that passing a frame on copies nothing.
type rope struct {
	chunks []*stream.StreamChunk
	offset int // bytes of chunks[0] already taken
	size   int // bytes not yet taken

	scratch []byte                 // for frames that span chunks; reused
	few     [4]*stream.StreamChunk // room for chunks in the common case
}

// keepScratch is the largest scratch buffer kept between frames, in bytes.
const keepScratch = 4 << 20

func (r *rope) push(c *stream.StreamChunk) {
	if len(c.Data) == 0 {
		return
	}
	r.chunks = append(r.chunks, c)
	r.size += len(c.Data)
}

// peek returns the first n bytes, which must have arrived. The slice is valid
// until the next peek and must not be written to.
func (r *rope) peek(n int) []byte {
	first := r.chunks[0].Data[r.offset:]
	if len(first) >= n {
		return first[:n]
	}
	if cap(r.scratch) < n {
		r.scratch = make([]byte, 0, max(n, 4096))
	}
	r.scratch = r.scratch[:0]
	offset := r.offset
	for _, c := range r.chunks {
		part := c.Data[offset:]
		offset = 0
		if rest := n - len(r.scratch); len(part) > rest {
			part = part[:rest]
		}
		r.scratch = append(r.scratch, part...)
		if len(r.scratch) == n {
			break
		}
	}
	return r.scratch
}

// trim gives back a scratch buffer that one huge frame made grow.
func (r *rope) trim() {
	if cap(r.scratch) > keepScratch {
		r.scratch = nil
	}
}

// take moves the first n bytes to out.
func (r *rope) take(n int, out *outbox) {
	for n > 0 {
		c := r.chunks[0]
		part := min(n, len(c.Data)-r.offset)
		out.add(c, r.offset, part)
		r.skip(part)
		n -= part
	}
}

// discard drops the first n bytes.
func (r *rope) discard(n int) {
	for n > 0 {
		part := min(n, len(r.chunks[0].Data)-r.offset)
		r.skip(part)
		n -= part
	}
}

func (r *rope) skip(n int) {
	r.offset += n
	r.size -= n
	if r.offset < len(r.chunks[0].Data) {
		return
	}
	r.chunks[0] = nil
	r.chunks = r.chunks[1:]
	r.offset = 0
	if len(r.chunks) == 0 {
		r.chunks = r.few[:0]
	}
}

// outbox is an ordered list of chunks that may go on. Neighbouring pieces of
// one chunk are joined again, so that a chunk holding ten frames leaves whole.
type outbox struct {
	chunks []*stream.StreamChunk
	source *stream.StreamChunk // chunk that the last element was cut from
	end    int                 // where in source the last element ends
	size   int
}

func (o *outbox) add(c *stream.StreamChunk, offset, n int) {
	o.size += n
	if offset == 0 && n == len(c.Data) {
		o.chunks = append(o.chunks, c)
		o.source = nil
		return
	}
	if o.source == c && o.end == offset && len(o.chunks) > 0 {
		last := o.chunks[len(o.chunks)-1]
		last.Data = last.Data[:len(last.Data)+n]
		o.end += n
		return
	}
	piece := &stream.StreamChunk{Data: c.Data[offset : offset+n], Timestamp: c.Timestamp}
	o.chunks = append(o.chunks, piece)
	o.source, o.end = c, offset+n
}

// addBytes appends bytes of our own making, cut to the size of a link's chunk.
func (o *outbox) addBytes(data []byte, like *stream.StreamChunk) {
	o.source = nil
	o.size += len(data)
	for len(data) > 0 {
		n := min(len(data), chunkSize)
		piece := &stream.StreamChunk{Data: data[:n:n]}
		if like != nil {
			piece.Timestamp = like.Timestamp
		}
		o.chunks = append(o.chunks, piece)
		data = data[n:]
	}
}

// addAll appends everything in other, which must not be used afterwards.
func (o *outbox) addAll(other *outbox) {
	o.source = nil
	o.size += other.size
	o.chunks = append(o.chunks, other.chunks...)
	*other = outbox{}
}

func (o *outbox) empty() bool { return len(o.chunks) == 0 }

// first is the next chunk to send, and its size: once it is sent it belongs to
// its receiver, who may cut it (toxiproxy's bandwidth does), so that it must not
// be asked any more.
func (o *outbox) first() (c *stream.StreamChunk, size int) {
	return o.chunks[0], len(o.chunks[0].Data)
}

// pop removes the first chunk, of that size, after it was sent. It is never
// joined with anything again.
func (o *outbox) pop(size int) {
	o.size -= size
	o.chunks[0] = nil
	o.chunks = o.chunks[1:]
	if len(o.chunks) == 0 {
		o.chunks = nil
		o.source = nil
	}
}
