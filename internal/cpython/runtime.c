#include "python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
pp_built_for(void)
{
    static char text[32];
    if (!text[0])
        snprintf(text, sizeof text, "%d.%d%s%s", PY_MAJOR_VERSION, PY_MINOR_VERSION,
                 PP_BUILT_FREE_THREADED ? "t" : "", PP_BUILT_DEBUG ? "d" : "");
    return text;
}

const char *
pp_check_runtime(void)
{
    static char text[320];
    char running[32], full[16];
    const char *dot;

    snprintf(full, sizeof full, "%s", Py_GetVersion());
    dot = strchr(full, '.');
    if (dot)
        full[(dot - full) + 1 + strspn(dot + 1, "0123456789")] = '\0';
    snprintf(running, sizeof running, "%s%s%s", full,
             strstr(Py_GetVersion(), "free-threading") ? "t" : "",
             PySys_GetObject("gettotalrefcount") ? "d" : "");
    if (strcmp(running, pp_built_for()) == 0)
        return NULL;
    snprintf(
        text, sizeof text,
        "built with the headers of CPython %s, but running in CPython %s; build it for this "
        "interpreter with `make setup PYTHON=/path/to/this/python3` (or, for a plain `go test` "
        "after the system's python3 has changed, `go clean -cache`)",
        pp_built_for(), running);
    return text;
}

char *
pp_take_error(void)
{
    PyObject *type, *value, *tb, *text = NULL;
    const char *name, *s;
    char *out = NULL;

    PyErr_Fetch(&type, &value, &tb);
    if (type == NULL)
        return NULL;
    PyErr_NormalizeException(&type, &value, &tb);
    text = value ? PyObject_Str(value) : NULL;
    PyErr_Clear();
    name = ((PyTypeObject *)type)->tp_name;
    s = text ? PyUnicode_AsUTF8(text) : NULL;
    if (s == NULL) {
        PyErr_Clear();
        s = "(no text)";
    }
    out = malloc(strlen(name) + strlen(s) + 3);
    if (out)
        sprintf(out, "%s: %s", name, s);
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(tb);
    return out;
}
