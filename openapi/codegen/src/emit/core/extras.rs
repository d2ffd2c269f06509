//! What some models can do beyond being read and written: stand for one argument, or be a page.

use super::types::{base, field_ident, type_ident};
use crate::{
    model::{Contract, Field, Model, PagingStyle},
    writer::Writer,
};

/// A body whose only required field is positional can be given as that field alone.
pub fn positional(w: &mut Writer, contract: &Contract, model: &Model) {
    let Some(field) = only_positional(contract, model) else {
        return;
    };
    let name = type_ident(&model.name);
    let mut sources = vec!["&str", "String"];
    if field.secret {
        sources.push("Secret");
    }
    for source in sources {
        w.blank()
            .block(format!("impl From<{source}> for {name} {{"), "}", |w| {
                w.block(format!("fn from(value: {source}) -> Self {{"), "}", |w| {
                    w.line("Self::new(value)");
                });
            });
    }
}

/// The one required field of a body, when it is text that an operation takes by position.
pub fn only_positional<'a>(contract: &Contract, model: &'a Model) -> Option<&'a Field> {
    let body = contract
        .operations()
        .filter_map(|o| o.body.as_ref())
        .find(|b| b.model == model.name && b.positional.len() == 1)?;
    let mut required = model.fields.iter().filter(|f| f.required);
    let field = required.next()?;
    let text = base(&field.ty, false) == "String";
    (required.next().is_none() && body.positional[0] == field.name && text).then_some(field)
}

/// How a page's items are taken out and the next page is asked for.
pub fn page(w: &mut Writer, contract: &Contract, model: &Model) {
    let Some(paging) = contract
        .operations()
        .filter(|o| o.result() == Some(model.name.as_str()))
        .find_map(|o| o.paging.as_ref())
    else {
        return;
    };
    let item = type_ident(&paging.item_model);
    w.blank().block(
        format!("impl Page for {} {{", type_ident(&model.name)),
        "}",
        |w| {
            w.line(format!("type Item = {item};"));
            w.block("fn next(&self) -> Next {", "}", |w| match paging.style {
                PagingStyle::Page => {
                    w.line("Next::counted(self.page, self.limit, self.total, self.data.len())");
                }
                PagingStyle::Cursor => {
                    w.line("Next::cursor(self.next_cursor.clone())");
                }
            });
            w.block(format!("fn into_items(self) -> Vec<{item}> {{"), "}", |w| {
                w.line(format!("self.{}", field_ident(&paging.items)));
            });
        },
    );
}
