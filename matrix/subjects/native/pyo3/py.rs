//! Native references are `Py<MyClass>`, which `__traverse__` shows to gc.

use std::mem::take;
use std::sync::Mutex;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::{Callback, Core, answer, drop_late, drop_on_threads, no_edge, print, released, wrap_on_threads};

#[pyclass(module = "pyo3_py", frozen, subclass, dict, weakref)]
pub(crate) struct MyClass {
    core: Core,
    callback: Callback,
    children: Mutex<Vec<Py<MyClass>>>,
}

#[pymethods]
impl MyClass {
    #[new]
    #[pyo3(signature = (message=""))]
    fn new(message: &str) -> Self {
        MyClass {
            core: Core::new(message),
            callback: Callback::default(),
            children: Mutex::default(),
        }
    }

    fn id(&self) -> i64 {
        self.core.id
    }

    fn message(&self) -> &str {
        &self.core.message
    }

    fn print_message(&self, py: Python<'_>) -> PyResult<()> {
        print(py, &self.core.message)
    }

    fn on_event(&self, event: i64) -> i64 {
        event
    }

    fn set_callback(&self, callback: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        self.callback.set(callback)
    }

    fn append(&self, child: Py<MyClass>) {
        self.children.lock().unwrap().push(child);
    }

    fn remove(&self, child: &Bound<'_, MyClass>) -> PyResult<()> {
        let mut children = self.children.lock().unwrap();
        let at = children.iter().position(|c| c.is(child)).ok_or_else(no_edge)?;
        let last = children.remove(at);
        drop(children);
        drop(last); // without the lock, because this may run any code
        Ok(())
    }

    fn children(&self, py: Python<'_>) -> Vec<Py<MyClass>> {
        let children = self.children.lock().unwrap();
        children.iter().map(|c| c.clone_ref(py)).collect()
    }

    // No lock is held while gc runs.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(callback) = self.callback.0.try_lock() {
            visit.call(&*callback)?;
        }
        if let Ok(children) = self.children.try_lock() {
            children.iter().try_for_each(|c| visit.call(c))?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let callback = self.callback.0.lock().unwrap().take();
        let children = take(&mut *self.children.lock().unwrap());
        drop((callback, children)); // without the locks, because this may run any code
    }
}

#[pyclass(module = "pyo3_py", frozen)]
pub(crate) struct MyClassRef(Mutex<Option<Py<MyClass>>>);

impl MyClassRef {
    fn take(&self) -> Option<Py<MyClass>> {
        self.0.lock().unwrap().take()
    }
}

#[pymethods]
impl MyClassRef {
    #[new]
    fn new(object: Py<MyClass>) -> Self {
        MyClassRef(Mutex::new(Some(object)))
    }

    fn get(&self, py: Python<'_>) -> PyResult<Py<MyClass>> {
        let object = self.0.lock().unwrap();
        object.as_ref().map(|o| o.clone_ref(py)).ok_or_else(released)
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
        let object = self.get(py)?.into_bound(py);
        match object.get().callback.get(py) {
            Some(callback) => answer(callback.call1((event,))?),
            None => answer(object.call_method1("on_event", (event,))?),
        }
    }

    fn __repr__(&self) -> String {
        match &*self.0.lock().unwrap() {
            Some(object) => format!("<MyClassRef to native object {}>", object.get().core.id),
            None => "<MyClassRef, released>".to_owned(),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.0.try_lock() {
            Ok(object) => visit.call(&*object),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        self.take();
    }
}

#[pyfunction]
#[pyo3(signature = (message=""))]
pub(crate) fn new_native(py: Python<'_>, message: &str) -> PyResult<MyClassRef> {
    Py::new(py, MyClass::new(message)).map(MyClassRef::new)
}

#[pyfunction]
#[pyo3(signature = (refs, goroutines=8, wait=true))]
pub(crate) fn release_from_goroutines(py: Python<'_>, refs: Vec<Bound<'_, MyClassRef>>, goroutines: usize, wait: bool) {
    let taken = refs.iter().map(|r| r.get().take());
    drop_on_threads(py, taken, goroutines, wait, false);
}
