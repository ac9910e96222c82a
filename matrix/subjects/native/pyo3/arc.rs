//! Python objects around an `Arc`, a new one for every wrap.

use std::mem::take;
use std::sync::{Arc, Mutex};

use pyo3::prelude::*;

use crate::{Callback, Core, answer, drop_late, drop_on_threads, no_edge, print, released, wrap_on_threads};

struct Native {
    core: Core,
    callback: Callback,
    children: Mutex<Vec<Arc<Native>>>,
}

impl Native {
    fn new(message: &str) -> Arc<Self> {
        Arc::new(Native {
            core: Core::new(message),
            callback: Callback::default(),
            children: Mutex::default(),
        })
    }
}

impl Drop for Native {
    /// One object after the other, however long the chain.
    fn drop(&mut self) {
        let mut pending = take(self.children.get_mut().unwrap());
        while let Some(child) = pending.pop() {
            if let Some(mut last) = Arc::into_inner(child) {
                pending.append(last.children.get_mut().unwrap());
            }
        }
    }
}

#[pyclass(module = "pyo3_arc", frozen, subclass, dict, weakref)]
pub(crate) struct MyClass(Arc<Native>);

#[pymethods]
impl MyClass {
    #[new]
    #[pyo3(signature = (message=""))]
    fn new(message: &str) -> Self {
        MyClass(Native::new(message))
    }

    fn id(&self) -> i64 {
        self.0.core.id
    }

    fn message(&self) -> &str {
        &self.0.core.message
    }

    fn print_message(&self, py: Python<'_>) -> PyResult<()> {
        print(py, &self.0.core.message)
    }

    fn on_event(&self, event: i64) -> i64 {
        event
    }

    fn set_callback(&self, callback: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        self.0.callback.set(callback)
    }

    fn append(&self, child: &MyClass) {
        self.0.children.lock().unwrap().push(child.0.clone());
    }

    fn remove(&self, child: &MyClass) -> PyResult<()> {
        let mut children = self.0.children.lock().unwrap();
        let at = children
            .iter()
            .position(|c| Arc::ptr_eq(c, &child.0))
            .ok_or_else(no_edge)?;
        let last = children.remove(at);
        drop(children);
        drop(last); // without the lock, because this may run any code
        Ok(())
    }

    fn children(&self) -> Vec<MyClass> {
        self.0.children.lock().unwrap().iter().cloned().map(MyClass).collect()
    }
}

#[pyclass(module = "pyo3_arc", frozen)]
pub(crate) struct MyClassRef(Mutex<Option<Arc<Native>>>);

impl MyClassRef {
    fn native(&self) -> PyResult<Arc<Native>> {
        self.0.lock().unwrap().clone().ok_or_else(released)
    }

    fn take(&self) -> Option<Arc<Native>> {
        self.0.lock().unwrap().take()
    }
}

#[pymethods]
impl MyClassRef {
    #[new]
    fn new(object: &MyClass) -> Self {
        MyClassRef(Mutex::new(Some(object.0.clone())))
    }

    fn get(&self) -> PyResult<MyClass> {
        self.native().map(MyClass)
    }

    fn release(&self) {
        self.take();
    }

    #[pyo3(signature = (*, locked=false))]
    fn release_from_goroutine(&self, py: Python<'_>, locked: bool) {
        drop_on_threads(py, self.take().into_iter(), 1, true, locked);
    }

    fn release_after_python(&self) {
        drop_late(Box::new(self.take()));
    }

    #[pyo3(signature = (goroutines=4, times=1000))]
    fn wrap_from_goroutines(slf: &Bound<'_, Self>, goroutines: usize, times: usize) {
        wrap_on_threads(slf, goroutines, times);
    }

    fn emit(&self, py: Python<'_>, event: i64) -> PyResult<i64> {
        match self.native()?.callback.get(py) {
            Some(callback) => answer(callback.call1((event,))?),
            None => Ok(event),
        }
    }

    fn __repr__(&self) -> String {
        match &*self.0.lock().unwrap() {
            Some(native) => format!("<MyClassRef to native object {}>", native.core.id),
            None => "<MyClassRef, released>".to_owned(),
        }
    }
}

#[pyfunction]
#[pyo3(signature = (message=""))]
pub(crate) fn new_native(message: &str) -> MyClassRef {
    MyClassRef(Mutex::new(Some(Native::new(message))))
}

#[pyfunction]
#[pyo3(signature = (refs, goroutines=8, wait=true))]
pub(crate) fn release_from_goroutines(py: Python<'_>, refs: Vec<Bound<'_, MyClassRef>>, goroutines: usize, wait: bool) {
    let taken = refs.iter().map(|r| r.get().take());
    drop_on_threads(py, taken, goroutines, wait, false);
}
