//! Lists that go on: a stream that fetches the next page when it is needed.
//!
//! Owns: asking for the next page, by number or by cursor. Refuses: reading ahead.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::Value;

use crate::{Error, call::Call, call::decode, operation::Paging, wire::FromBody};

/// An answer that is one page of a list.
pub trait Page: FromBody {
    /// What the list is of.
    type Item: Send + 'static;
    /// How it goes on.
    fn next(&self) -> Next;
    /// Its items.
    fn into_items(self) -> Vec<Self::Item>;
}

/// How a list goes on after a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This was the last page.
    End,
    /// The page of that number.
    Page(i64),
    /// The page behind that cursor.
    Cursor(String),
}

impl Next {
    /// For lists whose pages are numbered: goes on until `page * limit` reaches `total`.
    #[must_use]
    pub fn counted(page: i64, limit: i64, total: i64, items: usize) -> Self {
        if items == 0 || page.saturating_mul(limit) >= total {
            Self::End
        } else {
            Self::Page(page.saturating_add(1))
        }
    }

    /// For lists whose pages are chained.
    #[must_use]
    pub fn cursor(cursor: Option<String>) -> Self {
        cursor
            .filter(|c| !c.is_empty())
            .map_or(Self::End, Self::Cursor)
    }
}

/// Every item of a list, as a [`Stream`]. An error ends it.
#[must_use = "a stream does nothing unless it is read"]
pub struct Pages<T> {
    items: Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>,
}

struct Walk<P: Page> {
    call: Option<Call<P>>,
    ready: VecDeque<P::Item>,
    /// What the call asks for, when it is not the first.
    asked: Option<Next>,
}

impl<T: Send + 'static> Pages<T> {
    pub(crate) fn new<P: Page<Item = T>>(call: Call<P>) -> Self {
        let start = Walk {
            call: Some(call),
            ready: VecDeque::new(),
            asked: None,
        };
        let items = stream::unfold(start, |mut walk| async move {
            loop {
                if let Some(item) = walk.ready.pop_front() {
                    return Some((Ok(item), walk));
                }
                match walk.turn().await {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => return Some((Err(error), walk)),
                }
            }
        });
        Self {
            items: Box::pin(items),
        }
    }
}

impl<P: Page> Walk<P> {
    /// Fetches the next page; false when there is none. After an error there is none either.
    async fn turn(&mut self) -> Result<bool, Error> {
        let Some(mut call) = self.call.take() else {
            return Ok(false);
        };
        let page: P = decode(&call.answered().await?)?;
        let next = page.next();
        if stands_still(self.asked.as_ref(), &next) {
            return Err(Error::decoding(
                "the list does not go on: the page after this one would be the same again",
            ));
        }
        self.asked = Some(next.clone());
        self.ready = page.into_items().into();
        let query = &mut call.request.query;
        let goes_on = match (call.request.operation.paging, next) {
            (Some(Paging::Page), Next::Page(number)) => {
                query.insert("page".into(), Value::from(number));
                true
            }
            (Some(Paging::Cursor), Next::Cursor(cursor)) => {
                // A cursor stands for a place; the first page's number would contradict it.
                query.shift_remove("page");
                query.insert("cursor".into(), Value::from(cursor));
                true
            }
            _ => false,
        };
        if goes_on {
            self.call = Some(call);
        }
        Ok(true)
    }
}

/// A server that does not understand how it is asked for a page answers the same one without end.
fn stands_still(asked: Option<&Next>, next: &Next) -> bool {
    match (asked, next) {
        (Some(Next::Page(asked)), Next::Page(next)) => next <= asked,
        (Some(Next::Cursor(asked)), Next::Cursor(next)) => next == asked,
        _ => false,
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_next_unpin(context)
    }
}
