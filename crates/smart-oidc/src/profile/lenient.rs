//! JSON that is read without ever failing: what is not as expected counts as absent.
//!
//! The strict scan has passed the text before, so it is JSON, within its limits, and no member
//! occurs twice. Nothing is kept that nobody asked for, and of an array no more than the first few
//! elements: an empty object has two octets in the text and hundreds in memory. More are read than
//! are shown, since the best of them need not be among the first.

use core::fmt;
use core::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How many elements of an array are read.
pub(super) const MOST_READ: usize = 256;

/// How many of them are shown.
pub(super) const MOST: usize = 64;

/// An object, or nothing where there is something else.
#[derive(Clone)]
pub(super) struct One<T>(Option<Box<T>>);

/// The first elements of an array, or a single value where one stands in its place: DSTU2 has one
/// where later versions have several.
#[derive(Clone)]
pub(super) struct Few<T>(Vec<T>);

impl<T> One<T> {
    pub(super) fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }
}

impl<T> Few<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

impl<T> Few<One<T>> {
    /// The elements that are objects.
    pub(super) fn objects(&self) -> impl Iterator<Item = &T> {
        self.iter().filter_map(One::get)
    }
}

impl<T> Default for One<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for One<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FewVisitor(PhantomData))
    }
}

/// What a visitor makes of the values that are neither an object, an array nor a string.
macro_rules! scalars_are_nothing {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON value")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}

struct OneVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneVisitor<T> {
    type Value = One<T>;

    scalars_are_nothing!();

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(One(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(One(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        let value = T::deserialize(MapAccessDeserializer::new(object))?;
        Ok(One(Some(Box::new(value))))
    }
}

struct FewVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FewVisitor<T> {
    type Value = Few<T>;

    scalars_are_nothing!();

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let value = T::deserialize(StrDeserializer::new(text))?;
        Ok(Few(vec![value]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while elements.len() < MOST_READ {
            let Some(element) = array.next_element()? else {
                return Ok(Few(elements));
            };
            elements.push(element);
        }
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Few(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        let value = T::deserialize(MapAccessDeserializer::new(object))?;
        Ok(Few(vec![value]))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use smart_jose::member::Member;

    use super::*;

    #[derive(Clone, Default, Deserialize)]
    #[serde(default)]
    struct Inner {
        word: Member<String>,
        words: Few<Member<String>>,
    }

    fn words(json: &str) -> Vec<String> {
        let few: Few<One<Inner>> = serde_json::from_str(json).unwrap();
        let words = few.objects().flat_map(|it| {
            let word = it.word.value().cloned();
            word.into_iter()
                .chain(it.words.iter().filter_map(|it| it.value().cloned()))
        });
        words.collect()
    }

    #[test]
    fn nothing_makes_it_fail() {
        for (json, expected) in [
            (r#"[{"word":"a"},{"word":"b"}]"#, vec!["a", "b"]),
            (r#"{"word":"a"}"#, vec!["a"]),
            (
                r#"[7,null,"x",true,1.5,-1,[{"word":"x"}],{"word":"a"}]"#,
                vec!["a"],
            ),
            (r#"[{"word":["x"],"words":"a"}]"#, vec!["a"]),
            (r#"[{"words":["a",null,7,{"x":[1]},"b"]}]"#, vec!["a", "b"]),
            (r#"[{"words":{"x":1}}]"#, vec![]),
            (r#"[{"words":null,"other":{"word":"x"}}]"#, vec![]),
            ("null", vec![]),
            ("7", vec![]),
            ("-7", vec![]),
            ("7.5", vec![]),
            ("true", vec![]),
            (r#""x""#, vec![]),
            ("[]", vec![]),
        ] {
            assert_eq!(words(json), expected, "{json}");
        }
    }

    #[test]
    fn of_an_array_the_first_elements_are_kept() {
        let json = format!("[{}{{}}]", r#"{"word":"a"},"#.repeat(MOST_READ * 2));
        assert_eq!(words(&json).len(), MOST_READ);
        let few: Few<One<Inner>> = serde_json::from_str(&json).unwrap();
        assert_eq!(few.iter().count(), MOST_READ);
    }
}
