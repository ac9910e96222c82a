package wrapper

var HeaderLayout = headerLayout
