/* shapes.h: a C++17 library behind std::shared_ptr, independent of Python.
 *
 * The reference count is std::shared_ptr's, and a slot cannot be put beside it. The library
 * has two openings for a binding, which C++ libraries often have anyway: a shape's listener,
 * and a factory (see shared_ptr.cpp) in place of std::make_shared.
 *
 * Any thread may copy and drop a shared_ptr. Everything else of one shape is for one thread at
 * a time. */
#ifndef SHAPES_H
#define SHAPES_H

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace shapes {

class Shape {
  public:
    Shape() : id_(++last_id)
    {
        ++live;
    }
    Shape(const Shape &) = delete;
    Shape &operator=(const Shape &) = delete;
    virtual ~Shape()
    {
        --live;
    }

    virtual double area() const
    {
        return 0;
    }
    virtual void scale(double factor)
    {
        (void)factor;
    }
    virtual std::int64_t answer(std::int64_t event)
    {
        return event;
    }

    std::uint64_t id() const
    {
        return id_;
    } // from 1, never used again

    // An event reaches the shape: its listener answers, or the shape itself.
    std::int64_t emit(std::int64_t event)
    {
        return listener ? listener(event) : answer(event);
    }

    // Remove the first edge to child, and return what it owned; null if there is no edge.
    std::shared_ptr<Shape> remove(const Shape *child)
    {
        auto found = std::find_if(children.begin(), children.end(),
                                  [child](auto &c) { return c.get() == child; });
        if (found == children.end())
            return nullptr;
        std::shared_ptr<Shape> removed = std::move(*found);
        children.erase(found);
        return removed;
    }

    std::string message;
    std::vector<std::shared_ptr<Shape>> children;
    std::function<std::int64_t(std::int64_t)> listener;

    static inline std::atomic<std::int64_t> live{0};

  private:
    std::uint64_t id_;
    static inline std::atomic<std::uint64_t> last_id{0};
};

class Circle : public Shape {
  public:
    double area() const override
    {
        return 3.141592653589793 * radius_ * radius_;
    }
    void scale(double factor) override
    {
        radius_ *= factor;
    }

  private:
    double radius_ = 1;
};

class Square : public Shape {
  public:
    double area() const override
    {
        return side_ * side_;
    }
    void scale(double factor) override
    {
        side_ *= factor;
    }

  private:
    double side_ = 1;
};

// A lock that the library holds while it works, whatever that drops.
inline std::mutex lock;

} // namespace shapes

#endif
