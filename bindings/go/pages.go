package agentidp

// yieldAll gives every item of a page to the loop; false when the loop has had enough.
func yieldAll[T any](items []T, yield func(*T, error) bool) bool {
	for i := range items {
		if !yield(&items[i], nil) {
			return false
		}
	}
	return true
}

// nextPage goes to the page behind the answered one; false when that was the last.
func nextPage(next *int, page, limit, total, items int) bool {
	if items == 0 || limit <= 0 || page*limit >= total {
		return false
	}
	*next = page + 1
	return true
}

// nextCursor goes to the page behind the answered one; false when that was the last.
func nextCursor(next *string, answered string) bool {
	*next = answered
	return answered != ""
}
