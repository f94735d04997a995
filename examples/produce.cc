// produce.cc: sends each argument as a record, in C++: handles that free themselves, errors as
// exceptions, and a lambda that hears what became of a record.
//
//   produce_cc BOOTSTRAP TOPIC VALUE ...
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <kfk/kfk.h>

namespace
{

void check(kfk_err err, const kfk_error &e)
{
    if (err != KFK_OK)
        throw std::runtime_error(e.msg);
}

class Config
{
  public:
    Config() : c(kfk_config_new(nullptr), kfk_config_free)
    {
        if (!c)
            throw std::bad_alloc();
    }
    Config &set(const std::string &name, const std::string &value)
    {
        kfk_error e;
        check(kfk_config_set(c.get(), name.c_str(), value.c_str(), &e), e);
        return *this;
    }
    const kfk_config *get() const
    {
        return c.get();
    }

  private:
    std::unique_ptr<kfk_config, void (*)(kfk_config *)> c;
};

class Producer
{
  public:
    using Callback = std::function<void(const kfk_delivery &)>;

    explicit Producer(const Config &c) : p(nullptr, kfk_producer_free)
    {
        kfk_producer *made;
        kfk_error e;
        check(kfk_producer_new(&made, c.get(), &e), e);
        p.reset(made);
    }
    // The callback is the library's once the send has taken it, and is called exactly once.
    void send(const std::string &topic, const std::string &value, Callback cb)
    {
        std::unique_ptr<Callback> arg(new Callback(std::move(cb)));
        kfk_record r = {};
        kfk_error e;
        r.struct_size = sizeof r;
        r.topic = topic.c_str();
        r.value = {value.data(), value.size()};
        check(kfk_producer_send(p.get(), &r, delivered, arg.get(), &e), e);
        arg.release();
    }
    void close(int timeout_ms)
    {
        kfk_error e;
        check(kfk_producer_close(p.get(), timeout_ms, &e), e);
    }

  private:
    // On the Sender thread. No exception may leave it: the library is C.
    static void delivered(kfk_producer *, const kfk_delivery *d, void *arg)
    {
        std::unique_ptr<Callback> cb(static_cast<Callback *>(arg));
        (*cb)(*d);
    }
    std::unique_ptr<kfk_producer, void (*)(kfk_producer *)> p;
};

} // namespace

int main(int argc, char **argv)
try {
    if (argc < 4)
        throw std::runtime_error("usage: produce_cc BOOTSTRAP TOPIC VALUE ...");
    Producer p(Config().set("bootstrap.servers", argv[1]));
    for (int i = 3; i < argc; i++)
        p.send(argv[2], argv[i], [=](const kfk_delivery &d) {
            std::cout << argv[i] << ": " << kfk_err_name(d.err) << " at " << d.offset << "\n";
        });
    p.close(30000);
} catch (const std::exception &e) {
    std::cerr << "produce_cc: " << e.what() << "\n";
    return 1;
}
