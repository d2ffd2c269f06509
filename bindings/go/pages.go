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
func nextPage(asked *int, first bool, page, limit, total, items int) (bool, error) {
	if items == 0 || page*limit >= total {
		return false, nil
	}
	if !first && page+1 <= *asked {
		return false, standsStill()
	}
	*asked = page + 1
	return true, nil
}

// nextCursor goes to the page behind the answered one; false when that was the last.
func nextCursor(asked *string, first bool, answered string) (bool, error) {
	if !first && answered != "" && answered == *asked {
		return false, standsStill()
	}
	*asked = answered
	return answered != "", nil
}

// standsStill is the error of a server that does not look at how it is asked for a page: it would answer
// the same one without end.
func standsStill() error {
	return localError(KindDecoding, CodeDecodingError,
		"the list does not go on: the page after this one would be the same again", nil)
}
