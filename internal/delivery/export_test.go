package delivery

// Lanes returns how many lanes the Sender remembers, and how many slots it has for them.
func (s *Sender) Lanes() (lanes, slots int) {
	for _, l := range s.lanes.slots {
		if l != nil {
			lanes++
		}
	}
	return lanes, len(s.lanes.slots)
}
