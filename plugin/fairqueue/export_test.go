package fairqueue

// Keys returns how many keys take memory.
func (q *Queue) Keys() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(len(q.lines), q.turns.Len())
}
